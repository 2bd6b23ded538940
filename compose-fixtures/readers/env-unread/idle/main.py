import subprocess

from flask import Flask

app = Flask(__name__)


@app.post("/convert")
def convert():
    subprocess.run(["python", "convert.py"], check=True)
    return "ok"


app.run(host="0.0.0.0", port=5000)
