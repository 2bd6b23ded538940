#!/bin/sh
python prepare.py
exec python server.py
