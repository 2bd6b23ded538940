//! One file per stack: its switches, with their sources.

mod awscrt;
mod bearssl;
mod chromium;
mod curl;
mod erlang;
mod gnutls;
mod go;
mod go_1_19;
mod java;
mod libmosquitto;
mod mbedtls_2;
mod mbedtls_3;
mod mbedtls_3_no_time;
mod node;
mod nss;
mod openssl;
mod paho_c;
mod paho_java;
mod python_default;
mod python_paho;
mod python_strict;
mod rustls;
mod wolfssl;

use super::stack::Stack;
use crate::stack_id::StackId;

/// The data of a stack.
#[must_use]
pub fn stack(id: StackId) -> &'static Stack {
    match id {
        StackId::PythonPaho => &python_paho::STACK,
        StackId::PythonDefault => &python_default::STACK,
        StackId::PythonStrict => &python_strict::STACK,
        StackId::Openssl => &openssl::STACK,
        StackId::Libmosquitto => &libmosquitto::STACK,
        StackId::PahoC => &paho_c::STACK,
        StackId::Node => &node::STACK,
        StackId::Java => &java::STACK,
        StackId::PahoJava => &paho_java::STACK,
        StackId::Go => &go::STACK,
        StackId::Go119 => &go_1_19::STACK,
        StackId::Gnutls => &gnutls::STACK,
        StackId::Mbedtls2 => &mbedtls_2::STACK,
        StackId::Mbedtls3 => &mbedtls_3::STACK,
        StackId::Mbedtls3NoTime => &mbedtls_3_no_time::STACK,
        StackId::Wolfssl => &wolfssl::STACK,
        StackId::Bearssl => &bearssl::STACK,
        StackId::Nss => &nss::STACK,
        StackId::Chromium => &chromium::STACK,
        StackId::Rustls => &rustls::STACK,
        StackId::Curl => &curl::STACK,
        StackId::Erlang => &erlang::STACK,
        StackId::Awscrt => &awscrt::STACK,
    }
}
