/* Eclipse Paho C. Requests and answers as in paho_python.py; run it with names.so, for it dials the name itself. To the
 * library a refused certificate and a lost connection are one: `lost -1`. */
#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *ca, *user, *topic;
static void round_trip(MQTTClient client, const char *host) {
    char payload[120], *name = NULL;
    int length = 0;
    MQTTClient_message *message = NULL;
    snprintf(payload, sizeof payload, "from %s", host);
    if (MQTTClient_subscribe(client, topic, 1) != MQTTCLIENT_SUCCESS ||
        MQTTClient_publish(client, topic, (int)strlen(payload), payload, 1, 0, NULL) != MQTTCLIENT_SUCCESS ||
        MQTTClient_receive(client, &name, &length, &message, 8000) != MQTTCLIENT_SUCCESS || !message) {
        puts("no message");
        return;
    }
    printf("accepted %.*s\n", message->payloadlen, (char *)message->payload);
    MQTTClient_freeMessage(&message);
    MQTTClient_free(name);
}

static void attempt(const char *scheme, const char *host, const char *port, const char *password) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
    MQTTClient client;
    char address[150];
    int status;
    snprintf(address, sizeof address, "%s://%s:%s", scheme, host, port);
    MQTTClient_create(&client, address, "paho-c", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    tls.trustStore = ca;
    tls.enableServerCertAuth = 1;
    tls.verify = 1;
    if (!strcmp(scheme, "ssl") || !strcmp(scheme, "wss")) options.ssl = &tls;
    options.username = user;
    options.password = password;
    options.connectTimeout = 4;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    status = MQTTClient_connect(client, &options);
    if (status == MQTTCLIENT_SUCCESS) round_trip(client, host);
    else if (status > 0) printf("login %d\n", status);
    else printf("lost %d\n", status);
    fflush(stdout);
    if (MQTTClient_isConnected(client)) MQTTClient_disconnect(client, 1000);
    MQTTClient_destroy(&client);
}

int main(int count, char **arguments) {
    char scheme[20], host[100], port[20], password[100];
    if (count != 4) return 2;
    ca = arguments[1];
    user = arguments[2];
    topic = arguments[3];
    while (scanf("%19s %99s %19s %99s", scheme, host, port, password) == 4) attempt(scheme, host, port, password);
    return 0;
}
