using MQTTnet.Client;

class Mqtt
{
    void Connect()
    {
        var options = new MqttClientOptionsBuilder().WithTcpServer(_options.Host, _options.Port);
        if (_options.UseTls)
        {
            options.WithTlsOptions(o => o.UseTls(true));
        }
    }
}
