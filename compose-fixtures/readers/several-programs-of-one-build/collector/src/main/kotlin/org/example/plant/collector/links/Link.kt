package org.example.plant.collector.links

import org.eclipse.paho.client.mqttv3.MqttClient

val host: String = System.getenv("PLANT_MQTT_HOST")
val client = MqttClient("tcp://$host:1883", "collector")
