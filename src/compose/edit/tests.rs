//! Files of different styles: the change is there, every other byte is as it was.

use super::*;

fn set(service: &str, key: &str, value: &str) -> Change {
    Change::SetVariable { service: service.into(), key: key.into(), value: value.into() }
}

fn bind(service: &str) -> Change {
    Change::AddMount {
        service: service.into(),
        source: "./certs/ca.crt".into(),
        target: "/mosquitto/certs/ca.crt".into(),
    }
}

fn ca(service: &str) -> Change {
    set(service, "MQTT_CA_CERT", "/mosquitto/certs/ca.crt")
}

/// Applies the changes, demands that all were made, that a second run changes nothing, and that taking the new
/// text away gives the old file back, byte by byte.
fn edited(text: &str, changes: &[Change]) -> String {
    let out = apply(text, changes);
    assert_eq!(out.refused, [], "{text}");
    let again = apply(&out.text, changes);
    assert_eq!(again.text, out.text, "a second run changes something");
    out.text
}

fn refused(text: &str, change: Change) -> Refused {
    let out = apply(text, std::slice::from_ref(&change));
    assert_eq!(out.text, text, "a refused change must not touch a byte");
    assert_eq!(out.refused.len(), 1, "{}", out.text);
    out.refused[0].clone()
}

#[test]
fn block_map_copies_indent_and_keeps_comments() {
    let text =
        "services:\n  a:\n    environment:\n      X: 1 # one\n      # last comment\n\n    ports: [\"1:1\"]\n";
    assert_eq!(
        edited(text, &[ca("a")]),
        "services:\n  a:\n    environment:\n      X: 1 # one\n      MQTT_CA_CERT: /mosquitto/certs/ca.crt\n      # last comment\n\n    ports: [\"1:1\"]\n"
    );
}

#[test]
fn double_quoted_siblings_are_copied_keys_too() {
    let text = "services:\n  a:\n    environment:\n        \"X\": \"1\"\n";
    assert_eq!(
        edited(text, &[ca("a")]),
        "services:\n  a:\n    environment:\n        \"X\": \"1\"\n        \"MQTT_CA_CERT\": \"/mosquitto/certs/ca.crt\"\n"
    );
}

#[test]
fn single_quoted_siblings_are_copied() {
    let text = "services:\n  a:\n    environment:\n      X: '1'\n";
    assert!(edited(text, &[ca("a")]).ends_with("      MQTT_CA_CERT: '/mosquitto/certs/ca.crt'\n"));
}

#[test]
fn a_boolean_never_becomes_one() {
    let text = "services:\n  a:\n    environment:\n      X: abc\n";
    assert!(
        edited(text, &[set("a", "MQTT_TLS_INSECURE", "false")])
            .ends_with("      MQTT_TLS_INSECURE: \"false\"\n")
    );
}

#[test]
fn a_value_is_replaced_in_its_quotes_and_the_comment_stays() {
    let text = "services:\n  a:\n    environment:\n      MQTT_TLS_INSECURE: \"true\"  # CN may not match\n      Y: 2\n";
    assert_eq!(
        edited(text, &[set("a", "MQTT_TLS_INSECURE", "false")]),
        "services:\n  a:\n    environment:\n      MQTT_TLS_INSECURE: \"false\"  # CN may not match\n      Y: 2\n"
    );
}

#[test]
fn list_items_copy_dash_and_quoting() {
    let text = "services:\n  a:\n    environment:\n    -   X=1\n    -   Y=2\n    image: x\n";
    assert_eq!(
        edited(text, &[ca("a")]),
        "services:\n  a:\n    environment:\n    -   X=1\n    -   Y=2\n    -   MQTT_CA_CERT=/mosquitto/certs/ca.crt\n    image: x\n"
    );
    let quoted = "services:\n  a:\n    environment:\n      - \"X=1\"\n";
    assert!(edited(quoted, &[ca("a")]).ends_with("      - \"MQTT_CA_CERT=/mosquitto/certs/ca.crt\"\n"));
}

#[test]
fn a_list_value_is_replaced() {
    let text = "services:\n  a:\n    environment:\n      - MQTT_TLS_INSECURE=true # no\n      - B=1\n";
    assert_eq!(
        edited(text, &[set("a", "MQTT_TLS_INSECURE", "false")]),
        "services:\n  a:\n    environment:\n      - MQTT_TLS_INSECURE=false # no\n      - B=1\n"
    );
}

#[test]
fn crlf_stays_crlf() {
    let text = "services:\r\n  a:\r\n    environment:\r\n      X: 1\r\n    volumes:\r\n      - ./x:/y\r\n";
    let out = edited(text, &[ca("a"), bind("a")]);
    assert_eq!(out.matches('\n').count(), out.matches("\r\n").count());
    assert!(out.ends_with("      - ./certs/ca.crt:/mosquitto/certs/ca.crt:ro\r\n"), "{out:?}");
}

#[test]
fn no_final_newline_stays_none() {
    let text = "services:\n  a:\n    environment:\n      X: 1";
    assert_eq!(
        edited(text, &[ca("a")]),
        "services:\n  a:\n    environment:\n      X: 1\n      MQTT_CA_CERT: /mosquitto/certs/ca.crt"
    );
}

#[test]
fn flow_map_and_list() {
    let text = "services:\n  a: {image: x, environment: {X: '1'}, volumes: [\"./x:/y\"]} # tail\n";
    assert_eq!(
        edited(text, &[ca("a"), bind("a")]),
        "services:\n  a: {image: x, environment: {X: '1', MQTT_CA_CERT: '/mosquitto/certs/ca.crt'}, volumes: [\"./x:/y\", \"./certs/ca.crt:/mosquitto/certs/ca.crt:ro\"]} # tail\n"
    );
}

#[test]
fn flow_over_several_lines_with_a_trailing_comma() {
    let text = "services:\n  a:\n    environment: {\n      X: '1',\n      Y: '2', # why\n    }\n";
    assert_eq!(
        edited(text, &[ca("a")]),
        "services:\n  a:\n    environment: {\n      X: '1',\n      Y: '2', # why\n      MQTT_CA_CERT: '/mosquitto/certs/ca.crt',\n    }\n"
    );
    let without = "services:\n  a:\n    volumes: [\n      './x:/y'\n    ]\n";
    assert_eq!(
        edited(without, &[bind("a")]),
        "services:\n  a:\n    volumes: [\n      './x:/y',\n      './certs/ca.crt:/mosquitto/certs/ca.crt:ro'\n    ]\n"
    );
}

#[test]
fn empty_flow_collections() {
    let text = "services:\n  a:\n    environment: {}\n    volumes: []\n";
    assert_eq!(
        edited(text, &[ca("a"), bind("a")]),
        "services:\n  a:\n    environment: {MQTT_CA_CERT: \"/mosquitto/certs/ca.crt\"}\n    volumes: [\"./certs/ca.crt:/mosquitto/certs/ca.crt:ro\"]\n"
    );
}

#[test]
fn json_is_yaml_too() {
    let text = "{\"services\":{\"a\":{\"environment\":{\"X\":\"1\"}}}}\n";
    assert_eq!(
        edited(text, &[ca("a")]),
        "{\"services\":{\"a\":{\"environment\":{\"X\":\"1\", \"MQTT_CA_CERT\":\"/mosquitto/certs/ca.crt\"}}}}\n"
    );
}

#[test]
fn new_sections_take_the_indent_of_the_file() {
    let text = "services:\n    a:\n        image: x\n        # about a\n\n    b:\n        image: y\n        volumes:\n        - ./x:/y\n        environment:\n            K: v\n";
    assert_eq!(
        edited(text, &[ca("a"), bind("a")]),
        "services:\n    a:\n        image: x\n        environment:\n            MQTT_CA_CERT: \"/mosquitto/certs/ca.crt\"\n        volumes:\n        - ./certs/ca.crt:/mosquitto/certs/ca.crt:ro\n        # about a\n\n    b:\n        image: y\n        volumes:\n        - ./x:/y\n        environment:\n            K: v\n"
    );
}

#[test]
fn a_new_environment_is_a_list_where_the_others_are() {
    let text = "services:\n  a:\n    image: x\n  b:\n    environment:\n      - K=v\n";
    assert!(edited(text, &[ca("a")]).contains(
        "  a:\n    image: x\n    environment:\n      - MQTT_CA_CERT=/mosquitto/certs/ca.crt\n  b:"
    ));
}

#[test]
fn a_section_with_nothing_in_it_is_filled() {
    let text = "services:\n  a:\n    environment: # soon\n    image: x\n";
    assert_eq!(
        edited(text, &[ca("a")]),
        "services:\n  a:\n    environment: # soon\n      MQTT_CA_CERT: \"/mosquitto/certs/ca.crt\"\n    image: x\n"
    );
}

#[test]
fn override_tags_and_anchors_stay() {
    let text = "services:\n  a:\n    environment: !override\n      X: 1\n    volumes: &v\n      - ./x:/y\n  b:\n    ports: !reset []\n";
    let out = edited(text, &[ca("a"), bind("a")]);
    assert!(out.contains("environment: !override\n      X: 1\n      MQTT_CA_CERT:"), "{out}");
    assert!(out.contains("volumes: &v\n      - ./x:/y\n      - ./certs"), "{out}");
    assert!(out.contains("ports: !reset []\n"));
}

#[test]
fn what_others_share_is_left_to_a_person() {
    let shared = "x-env: &env\n  X: 1\nservices:\n  a:\n    environment: *env\n  b:\n    environment: *env\n";
    let r = refused(shared, ca("a"));
    assert!(r.reason.contains("alias"), "{r:?}");
    assert_eq!(r.lines, ["environment:", "  <<: *env", "  MQTT_CA_CERT: \"/mosquitto/certs/ca.crt\""]);
    let anchored = "services:\n  a:\n    environment: &env\n      X: 1\n  b:\n    environment: *env\n";
    let r = refused(anchored, ca("a"));
    assert!(r.reason.contains("b would change too"), "{r:?}");
    assert_eq!(r.line, 2);
    let inherited = "x-base: &base\n  environment:\n    X: 1\nservices:\n  a:\n    <<: *base\n    image: x\n";
    assert!(refused(inherited, ca("a")).reason.contains("shared"));
    let twice = "services:\n  a:\n    environment:\n      MQTT_CA_CERT: 1\n      MQTT_CA_CERT: 2\n";
    let r = refused(twice, ca("a"));
    assert!(r.reason.contains("twice") && r.line == 5, "{r:?}");
}

#[test]
fn an_anchor_is_changed_where_everybody_who_shares_it_wants_it() {
    let text = "services:\n  a:\n    environment: &env\n      MQTT_TLS_INSECURE: 'true'\n  b:\n    environment: *env\n";
    let out = edited(text, &[set("a", "MQTT_TLS_INSECURE", "false"), set("b", "MQTT_TLS_INSECURE", "false")]);
    assert_eq!(out, text.replace("'true'", "'false'"));
}

#[test]
fn a_merge_key_inside_the_map_stays_first() {
    let text = "x-e: &e\n  A: '1'\nservices:\n  a:\n    environment:\n      <<: *e\n      B: '2'\n";
    assert!(
        edited(text, &[ca("a")])
            .ends_with("      <<: *e\n      B: '2'\n      MQTT_CA_CERT: '/mosquitto/certs/ca.crt'\n")
    );
    let only = "x-e: &e\n  A: '1'\nservices:\n  a:\n    environment:\n      <<: *e\n";
    assert!(edited(only, &[ca("a")]).contains("      <<: *e\n      MQTT_CA_CERT:"));
}

#[test]
fn tabs_in_comments_umlauts_and_block_scalars_do_no_harm() {
    let text = "# \tä ö ü 漢字\nservices:\n  a:\n    command: |\n      x\n      # no comment\n    environment:\n      Ä: \"ü\" #\tTab 漢\n      T: |\n        more\n        # text\n\n  b: {image: y}\n";
    let out = edited(text, &[ca("a")]);
    assert!(out.contains("        # text\n      MQTT_CA_CERT: "), "{out}");
    let rest =
        out.lines().filter(|l| !l.contains("MQTT_CA_CERT")).map(|l| format!("{l}\n")).collect::<String>();
    assert_eq!(rest, text);
}

#[test]
fn a_variable_without_a_value_gets_one() {
    let text = "services:\n  a:\n    environment:\n      MQTT_CA_CERT:\n      X: 1\n  b:\n    environment:\n      - MQTT_CA_CERT\n";
    let out = edited(text, &[ca("a"), ca("b")]);
    assert!(out.contains("      MQTT_CA_CERT: \"/mosquitto/certs/ca.crt\"\n      X: 1\n"), "{out}");
    assert!(out.contains("      - MQTT_CA_CERT=/mosquitto/certs/ca.crt\n"), "{out}");
}

#[test]
fn long_volumes_get_a_short_one_beside_them() {
    let text = "services:\n  a:\n    volumes:\n      - type: bind\n        source: ./x\n        target: /y\n";
    assert!(
        edited(text, &[bind("a")])
            .ends_with("        target: /y\n      - ./certs/ca.crt:/mosquitto/certs/ca.crt:ro\n")
    );
}

#[test]
fn what_holds_already_costs_no_byte() {
    let text = "services:\n  a:\n    environment: [MQTT_CA_CERT=/mosquitto/certs/ca.crt]\n    volumes:\n      - {type: bind, source: ./q, target: /mosquitto/certs/ca.crt}\n";
    assert_eq!(edited(text, &[ca("a"), bind("a")]), text);
}

#[test]
fn files_of_the_first_schema_and_several_documents() {
    assert!(edited("a:\n  image: x\n", &[ca("a")]).contains("  environment:\n    MQTT_CA_CERT:"));
    let two = "---\nname: p\n---\nservices:\n  a:\n    image: x\n...\n";
    let out = edited(two, &[ca("a")]);
    assert!(
        out.ends_with("    environment:\n      MQTT_CA_CERT: \"/mosquitto/certs/ca.crt\"\n...\n"),
        "{out}"
    );
}

#[test]
fn refuses_variables_control_characters_and_unknown_services() {
    let text = "services:\n  a:\n    image: x\n";
    assert!(refused(text, set("a", "X", "${Y}")).reason.contains('$'));
    assert!(refused(text, set("a", "X", "a\u{1b}")).reason.contains("control"));
    assert!(refused(text, ca("nobody")).reason.contains("nobody"));
    assert!(refused("a: [", ca("a")).reason.contains("YAML"));
}
