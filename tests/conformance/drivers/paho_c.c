/* Eclipse Paho C with verify = 1, or 0 for the chain only. It dials the name itself: run it with names.so. */
#include "once.h"
#include <MQTTClient.h>

static const char *version(void) { return MQTTClient_getVersionInfo()[1].value; }

static void attempt(int port, const char *ca, const char *name) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
    MQTTClient client;
    const char *host = name ? name : "localhost";
    char address[600];
    int status;
    snprintf(address, sizeof address, strchr(host, ':') ? "ssl://[%s]:%d" : "ssl://%s:%d", host, port);
    if (MQTTClient_create(&client, address, "conformance", MQTTCLIENT_PERSISTENCE_NONE, NULL) != 0) failed("create");
    tls.trustStore = ca;
    tls.enableServerCertAuth = 1;
    tls.verify = name != NULL;
    options.ssl = &tls;
    options.connectTimeout = 6;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    status = MQTTClient_connect(client, &options);
    if (status == MQTTCLIENT_SUCCESS) accepted();
    refused("%d", status);
}
