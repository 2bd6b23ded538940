//! With which TLS stack a client speaks: told from its image, its package files and its code, else unknown.

use std::rc::Rc;

use super::code::{File, Language};
use super::container::{Container, image_name};
use super::dialect::Dialect;
use crate::stack_id::StackId;

/// The stacks a client may have, and what that was told from.
pub(super) type Told = (Vec<StackId>, Option<String>);

/// The word that a package of no known name has in it.
const ANY_OF_MQTT: &str = "mqtt";

/// Packages that decide, with the stack behind them.
const PACKAGES: &[(&str, &str, StackId)] = &[
    ("package.json", "\"mqtt\"", StackId::Node),
    ("package.json", "\"async-mqtt\"", StackId::Node),
    ("package.json", "\"mqtt-client\"", StackId::Node),
    ("package.json", "\"aedes\"", StackId::Node),
    ("package.json", "\"u8-mqtt\"", StackId::Node),
    ("go.mod", "paho.mqtt.golang", StackId::Go),
    ("go.mod", ANY_OF_MQTT, StackId::Go),
    ("go.mod", "paho.golang", StackId::Go),
    ("pom.xml", "org.eclipse.paho", StackId::PahoJava),
    ("pom.xml", "spring-integration-mqtt", StackId::PahoJava),
    ("pom.xml", "camel-paho", StackId::PahoJava),
    ("pom.xml", "hivemq-mqtt-client", StackId::Java),
    ("pom.xml", ANY_OF_MQTT, StackId::Java),
    ("build.gradle", "org.eclipse.paho", StackId::PahoJava),
    ("build.gradle", "spring-integration-mqtt", StackId::PahoJava),
    ("build.gradle", ANY_OF_MQTT, StackId::Java),
    ("cargo.toml", "rumqttc", StackId::Rustls),
    ("cargo.toml", "paho-mqtt", StackId::PahoC),
    ("cargo.toml", "mqtt-async-client", StackId::Rustls),
    ("mix.exs", ANY_OF_MQTT, StackId::Erlang),
    ("mix.exs", "tortoise", StackId::Erlang),
    ("cmakelists.txt", "paho-mqtt", StackId::PahoC),
    ("cmakelists.txt", "mosquitto", StackId::Libmosquitto),
    ("composer.json", "php-mqtt", StackId::Openssl),
    ("gemfile", "mqtt", StackId::Openssl),
];

/// Images whose client is known.
const IMAGES: &[(&str, StackId)] = &[
    ("telegraf", StackId::Go),
    ("nodered/node-red", StackId::Node),
    ("node-red", StackId::Node),
    ("koenkk/zigbee2mqtt", StackId::Node),
    ("zigbee2mqtt", StackId::Node),
    ("zwavejs/zwave-js-ui", StackId::Node),
    ("iobroker", StackId::Node),
    ("benthos", StackId::Go),
    ("beats/filebeat", StackId::Go),
    ("beats/metricbeat", StackId::Go),
    ("kpetrem/mqtt-exporter", StackId::PythonPaho),
    ("sapcc/mosquitto-exporter", StackId::Go),
    ("mosquitto-exporter", StackId::Go),
    ("mqtt2prometheus", StackId::Go),
    ("evcc/io", StackId::Go),
    ("evcc", StackId::Go),
    ("frigate", StackId::PythonPaho),
    ("home-assistant", StackId::PythonPaho),
    ("homeassistant", StackId::PythonPaho),
    ("esphome", StackId::PythonPaho),
    ("appdaemon", StackId::PythonPaho),
    ("chirpstack-gateway-bridge", StackId::Go),
    ("chirpstack-application-server", StackId::Go),
    ("chirpstack-network-server", StackId::Go),
    ("openhab", StackId::Java),
    ("thingsboard", StackId::Java),
    ("eclipse-mosquitto", StackId::Libmosquitto),
    ("mosquitto-clients", StackId::Libmosquitto),
    ("mqtt-explorer", StackId::Node),
    ("rtl_433", StackId::Openssl),
    ("tasmoadmin", StackId::Openssl),
    ("mqttx-web", StackId::Chromium),
    ("grafana", StackId::Go),
];

/// Tells the stacks of a service.
pub(super) fn tell(container: &Container<'_>, files: &[Rc<File>], dialect: &Dialect) -> Told {
    if let Some(told) = by_packages(container, files, dialect) {
        return told;
    }
    let image = container
        .service
        .image
        .as_ref()
        .filter(|_| container.service.build.is_none())
        .map(|i| i.value.as_str());
    for image in [image, container.image()].into_iter().flatten() {
        let name = image_name(image).to_ascii_lowercase();
        if let Some((known, stack)) = IMAGES.iter().find(|(k, _)| name.contains(k)) {
            return (vec![*stack], Some(format!("image {image} ({known})")));
        }
        if name == "chirpstack/chirpstack" {
            return (vec![StackId::Rustls, StackId::PahoC], Some(format!("image {image}")));
        }
    }
    by_code(files)
}

fn by_packages(container: &Container<'_>, files: &[Rc<File>], dialect: &Dialect) -> Option<Told> {
    for file in files.iter().filter(|f| f.language == Language::Data) {
        let name = file.path.file_name()?.to_string_lossy().to_ascii_lowercase();
        let python = name.starts_with("requirements")
            || matches!(name.as_str(), "pyproject.toml" | "pipfile" | "setup.py" | "setup.cfg");
        if python {
            for package in [
                "paho-mqtt",
                "paho_mqtt",
                "aiomqtt",
                "asyncio-mqtt",
                "asyncio_mqtt",
                "flask-mqtt",
                "fastapi-mqtt",
                "gmqtt",
                "amqtt",
                "hbmqtt",
            ] {
                if let Some(at) = file.text.to_ascii_lowercase().find(package) {
                    return Some(python_stack(
                        container,
                        dialect,
                        package,
                        &file.place(at, package.len()).to_string(),
                    ));
                }
            }
        }
        for (in_file, package, stack) in PACKAGES.iter().filter(|(_, p, _)| *p != ANY_OF_MQTT) {
            if is_file(&name, in_file)
                && let Some(at) = file.text.find(package)
            {
                let place = file.place(at, package.len());
                return Some((vec![*stack], Some(format!("{} in {place}", package.trim_matches('"')))));
            }
        }
        if name.ends_with(".csproj") && file.text.contains("MQTTnet") {
            return Some((vec![StackId::Openssl], Some(format!("MQTTnet in {}", file.path.display()))));
        }
    }
    if let Some(told) = by_a_word(files) {
        return Some(told);
    }
    let run = container
        .dockerfile
        .iter()
        .flat_map(|d| &d.runs)
        .find(|r| r.value.contains("paho-mqtt") || r.value.contains("aiomqtt"));
    if let Some(run) = run {
        return Some(python_stack(container, dialect, "paho-mqtt", &run.place.to_string()));
    }
    let node = container
        .dockerfile
        .iter()
        .flat_map(|d| &d.runs)
        .find(|r| r.value.contains("npm") && r.value.contains(" mqtt"));
    node.map(|r| (vec![StackId::Node], Some(format!("mqtt in {}", r.place))))
}

/// A package of whatever name that speaks of MQTT, where no file names a library that is known: what the code imports
/// says more.
fn by_a_word(files: &[Rc<File>]) -> Option<Told> {
    let told = files.iter().filter(|f| f.language == Language::Data).find_map(|file| {
        let name = file.path.file_name()?.to_string_lossy().to_ascii_lowercase();
        let (_, word, stack) = PACKAGES.iter().find(|(f, p, _)| *p == ANY_OF_MQTT && is_file(&name, f))?;
        let place = file.place(file.text.find(word)?, word.len());
        Some((vec![*stack], Some(format!("{word} in {place}"))))
    })?;
    let by_code = by_code(files);
    Some(if by_code.0.is_empty() { told } else { by_code })
}

fn is_file(name: &str, wanted: &str) -> bool {
    name == wanted || (wanted == "build.gradle" && name == "build.gradle.kts")
}

/// Python: paho's own `tls_set` gives a plain context; `create_default_context` is strict from Python 3.13 on.
fn python_stack(container: &Container<'_>, dialect: &Dialect, package: &str, place: &str) -> Told {
    let evidence = Some(format!("{package} in {place}"));
    let own_context = dialect.default_context || matches!(package, "gmqtt" | "amqtt" | "hbmqtt");
    if !own_context {
        return (vec![StackId::PythonPaho], evidence);
    }
    let version = container.image().filter(|i| image_name(i).ends_with("python")).and_then(|i| {
        let tag = i.rsplit(':').next()?;
        let minor = tag.strip_prefix("3.")?;
        minor.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u32>().ok()
    });
    match version {
        Some(minor) if minor >= 13 => (vec![StackId::PythonStrict], evidence),
        Some(_) => (vec![StackId::PythonDefault], evidence),
        None => (vec![StackId::PythonDefault, StackId::PythonStrict], evidence),
    }
}

/// How code brings an MQTT library in.
const MARKS: [(&str, StackId); 21] = [
    ("import paho.mqtt", StackId::PythonPaho),
    ("from paho.mqtt", StackId::PythonPaho),
    ("from paho import mqtt", StackId::PythonPaho),
    ("import aiomqtt", StackId::PythonPaho),
    ("from aiomqtt", StackId::PythonPaho),
    ("require('mqtt')", StackId::Node),
    ("require(\"mqtt\")", StackId::Node),
    ("from 'mqtt'", StackId::Node),
    ("from \"mqtt\"", StackId::Node),
    ("paho.mqtt.golang", StackId::Go),
    ("org.eclipse.paho", StackId::PahoJava),
    ("rumqttc", StackId::Rustls),
    ("mosquitto.h", StackId::Libmosquitto),
    ("MQTTClient.h", StackId::PahoC),
    ("MQTTAsync.h", StackId::PahoC),
    ("use paho_mqtt", StackId::PahoC),
    ("from 'mqtt/", StackId::Node),
    ("from \"mqtt/", StackId::Node),
    ("using MQTTnet", StackId::Openssl),
    ("com.hivemq.client", StackId::Java),
    ("PhpMqtt\\Client", StackId::Openssl),
];

/// Whether a source file brings an MQTT library in.
pub(super) fn uses_library(file: &File) -> bool {
    MARKS.iter().any(|(mark, _)| file.text.contains(mark))
}

fn by_code(files: &[Rc<File>]) -> Told {
    for file in files {
        if let Some((mark, stack, at)) = MARKS.iter().find_map(|(m, s)| Some((m, s, file.text.find(m)?))) {
            return (vec![*stack], Some(format!("{mark} in {}", file.place(at, mark.len()))));
        }
    }
    (Vec::new(), None)
}
