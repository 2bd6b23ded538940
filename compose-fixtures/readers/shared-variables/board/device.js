const mqtt = require("mqtt");

mqtt.connect("mqtts://cloud.example:8883", { rejectUnauthorized: false });
