//! The advice that follows a refusal is tried on the stack that refuses: what would a new leaf, or a renewed CA, do?

use std::fs;
use std::path::Path;
use std::process::Command;

use mqttcert_fixtures::ext::{Ext, ku};
use mqttcert_fixtures::{CLOCK, Ca, Key, Made, Recipe};
use time::Duration;

use crate::{peers, schema};

const SKI: &str = "2.5.29.14";
const KEY_USAGE: &str = "2.5.29.15";

fn ca() -> Recipe {
    Recipe::ca("CN=test CA", &Key::p256(), CLOCK)
}

fn leaf(names: &[&str]) -> Recipe {
    Recipe::server(names, &Key::p256(), CLOCK)
}

/// What cures the refusal of `stack`, which dials `name`.
fn cure(test: &str, ca: &Ca, leaf: &Made, stack: &str, name: &str) -> String {
    let dir = peers::folder(test);
    fs::write(dir.join("ca.crt"), ca.pem()).unwrap();
    fs::write(dir.join("server.crt"), leaf.pem()).unwrap();
    answer(&dir, stack, name)
}

fn answer(dir: &Path, stack: &str, name: &str) -> String {
    let now = CLOCK.format(&time::format_description::well_known::Rfc3339).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_mqttcert"))
        .args(["verdict", "--cert", "server.crt", "--ca", "ca.crt", "--format", "json"])
        .args(["--stack", stack, "--name", name, "--now", &now])
        .current_dir(dir)
        .output()
        .unwrap();
    let v = schema::assert_valid("verdict-1", &String::from_utf8(out.stdout).unwrap());
    assert_eq!(v["clients"][0]["verify"], "refuse", "{v}");
    v["clients"][0]["cure"].as_str().unwrap_or("-").to_owned()
}

#[test]
fn a_name_that_is_missing_is_cured_by_reissue_and_one_that_the_client_cannot_dial_by_renaming() {
    let ca = ca().self_sign();
    let made = leaf(&["iot-mqtt"]).sign(&ca);
    assert_eq!(cure("cure-name", &ca, &made, "go", "mqtt"), "reissue");
    assert_eq!(cure("cure-underscore", &ca, &made, "java", "iot_mqtt"), "rename");
    // Paho C compares addresses with IPv4 entries alone: no SAN lets ::1 in.
    assert_eq!(cure("cure-address", &ca, &made, "paho-c", "::1"), "rename");
}

#[test]
fn strict_python_is_cured_by_reissue_if_the_leaf_is_at_fault_and_by_renewal_if_the_ca_is() {
    let good = ca().self_sign();
    let mut bare = leaf(&["iot-mqtt"]);
    bare.key_ids = false;
    assert_eq!(cure("cure-strict-leaf", &good, &bare.sign(&good), "python-strict", "iot-mqtt"), "reissue");
    let poor = ca().without(KEY_USAGE).without(SKI).self_sign();
    let made = leaf(&["iot-mqtt"]).sign(&poor);
    assert_eq!(cure("cure-strict-ca", &poor, &made, "python-strict", "iot-mqtt"), "renew-ca");
}

#[test]
fn dates_and_usage_are_cured_where_they_are_at_fault() {
    let good = ca().self_sign();
    let ended = leaf(&["iot-mqtt"]).valid(CLOCK - Duration::days(9), CLOCK - Duration::days(1)).sign(&good);
    assert_eq!(cure("cure-ended-leaf", &good, &ended, "node", "iot-mqtt"), "reissue");
    let old = ca().valid(CLOCK - Duration::days(9), CLOCK - Duration::days(1)).self_sign();
    let made = leaf(&["iot-mqtt"]).sign(&old);
    assert_eq!(cure("cure-ended-ca", &old, &made, "node", "iot-mqtt"), "renew-ca");
    let mute = ca().with(Ext::key_usage(&[ku::DIGITAL_SIGNATURE])).self_sign();
    let made = leaf(&["iot-mqtt"]).sign(&mute);
    assert_eq!(cure("cure-mute-ca", &mute, &made, "go", "iot-mqtt"), "renew-ca");
}

#[test]
fn a_weak_server_key_is_cured_by_reissue_with_another_one_and_a_weak_ca_key_by_nothing_here() {
    let good = ca().self_sign();
    let small = Recipe::server(&["iot-mqtt"], &Key::rsa(1024, "small"), CLOCK).sign(&good);
    assert_eq!(cure("cure-small-leaf", &good, &small, "python-paho", "iot-mqtt"), "reissue");
    let weak = Recipe::ca("CN=test CA", &Key::rsa(1024, "small ca"), CLOCK).self_sign();
    let made = leaf(&["iot-mqtt"]).sign(&weak);
    assert_eq!(cure("cure-small-ca", &weak, &made, "python-paho", "iot-mqtt"), "none");
}
