using MQTTnet.Client;

public class LinkOptions
{
    public string Host { get; set; }
    public int Port { get; set; }
    public bool Secure { get; set; }
}

public class Link
{
    public MqttClientOptions Make(LinkOptions settings)
    {
        var builder = new MqttClientOptionsBuilder()
            .WithTcpServer(settings.Host, settings.Port);
        var made = settings.Secure
            ? builder
                .WithTls()
                .Build()
            : builder.Build();
        return made;
    }
}
