using MQTTnet;

var options = new MqttClientOptionsBuilder()
    .WithTcpServer(configuration["Mqtt:Host"], int.Parse(configuration["Mqtt:Port"]))
    .Build();
