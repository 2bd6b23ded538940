import cloud
import local

local.start()
cloud.start()
