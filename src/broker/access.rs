//! Who gets in, and what they may do: the plan's users, passwords and access control lists, asked in the order in
//! which Mosquitto 2.0 asks them (`mosquitto_unpwd_check`, `mosquitto_acl_check`).

use std::fmt;
use std::sync::Arc;

use crate::mosquitto::{acl, passwd};
use crate::secret::Secret;

/// What a client wants to do with a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Publish.
    Write,
    /// Receive.
    Read,
}

/// Checks stored passwords. Implemented over Mosquitto's password file; slow by design for some hashes.
pub trait Passwords: Send + Sync {
    /// Whether this user has this password.
    fn check(&self, user: &str, password: &[u8]) -> bool;

    /// Whether this user can log in at all.
    fn knows(&self, user: &str) -> bool;
}

/// An access control list.
pub trait Acl: Send + Sync {
    /// Whether a client may do this.
    fn allows(&self, user: Option<&str>, client_id: &str, topic: &str, action: Action) -> bool;
}

/// A user of a rehearsal's own making: it logs in with a random password and then acts as somebody else, so that
/// no stored password ever crosses a socket.
#[derive(Debug, Clone)]
pub struct Stand {
    /// The name it logs in with.
    pub login: String,
    /// Its password.
    pub password: Secret,
    /// Under whose name the ACL sees it; `None`: the ACL is not asked.
    pub acts_as: Option<String>,
}

/// What a listener lets in.
#[derive(Clone, Default)]
pub struct Access {
    /// `allow_anonymous`.
    pub anonymous: bool,
    /// The password file; `None` where there is none: any user name and password pass.
    pub passwords: Option<Arc<dyn Passwords>>,
    /// The ACL file; `None` where there is none: everything is allowed.
    pub acl: Option<Arc<dyn Acl>>,
    /// If set, only these may log in with a password, and `passwords` is not asked.
    pub stands: Option<Arc<Vec<Stand>>>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("anonymous", &self.anonymous)
            .field("passwords", &self.passwords.is_some())
            .field("acl", &self.acl.is_some())
            .field("stands", &self.stands.as_ref().map(|s| s.len()))
            .finish()
    }
}

/// As whom a client acts after its login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Under its own (or no) name.
    User(Option<String>),
    /// The ACL is not asked.
    Unrestricted(String),
}

impl Access {
    /// Whether somebody gets in, and as whom. `None`: not authorised.
    #[must_use]
    pub fn login(&self, user: Option<&str>, password: Option<&[u8]>) -> Option<Identity> {
        let Some(user) = user else {
            return self.anonymous.then_some(Identity::User(None));
        };
        if let Some(stands) = &self.stands {
            let stand = stands.iter().find(|s| s.login == user)?;
            same(stand.password.expose(), password?).then_some(())?;
            return Some(match &stand.acts_as {
                Some(name) => Identity::User(Some(name.clone())),
                None => Identity::Unrestricted(user.to_owned()),
            });
        }
        match &self.passwords {
            Some(p) => p.check(user, password?).then(|| Identity::User(Some(user.to_owned()))),
            // Without a password file every name passes, but only where anonymous clients do: Mosquitto refuses
            // whoever it cannot check.
            None => self.anonymous.then(|| Identity::User(Some(user.to_owned()))),
        }
    }

    /// Whether a client may do this.
    #[must_use]
    pub fn allows(&self, user: Option<&str>, client_id: &str, topic: &str, action: Action) -> bool {
        match (dollar(topic), action) {
            (Dollar::System, Action::Write) | (Dollar::Shared, _) => false,
            (Dollar::System, Action::Read) | (Dollar::Bridge, _) => true,
            (Dollar::None, _) => {
                self.acl.as_ref().is_none_or(|acl| acl.allows(user, client_id, topic, action))
            }
        }
    }
}

/// Topics about which no ACL is asked.
enum Dollar {
    System,
    Bridge,
    Shared,
    None,
}

/// `acl__check_dollar` of Mosquitto 2.0: nobody publishes below `$SYS` but the state of a bridge, everybody reads
/// there; `$share` is for subscriptions only.
fn dollar(topic: &str) -> Dollar {
    let levels: Vec<&str> = topic.split('/').take(6).collect();
    match levels.as_slice() {
        ["$SYS", "broker", "connection", _, "state"] => Dollar::Bridge,
        _ if topic.starts_with("$SYS") => Dollar::System,
        _ if topic.starts_with("$share") => Dollar::Shared,
        _ => Dollar::None,
    }
}

/// Compares in time that depends on the lengths only.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y)) == 0
}

/// A password file.
pub(super) struct FilePasswords(pub passwd::PasswordFile);

impl Passwords for FilePasswords {
    fn check(&self, user: &str, password: &[u8]) -> bool {
        self.0.accepts(user, password)
    }

    fn knows(&self, user: &str) -> bool {
        self.0.users().any(|u| u == user)
    }
}

/// An ACL file.
pub(super) struct FileAcl(pub acl::Acl);

impl Acl for FileAcl {
    fn allows(&self, user: Option<&str>, client_id: &str, topic: &str, action: Action) -> bool {
        let access = match action {
            Action::Write => acl::Access::Write,
            Action::Read => acl::Access::Read,
        };
        self.0.allows(user, client_id, access, topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_publishes_below_sys_and_everybody_reads_there() {
        let open = Access::default();
        assert!(!open.allows(None, "c", "$SYS/a", Action::Write));
        assert!(open.allows(None, "c", "$SYS/a", Action::Read));
        assert!(open.allows(None, "c", "$SYS/broker/connection/b/state", Action::Write));
        assert!(!open.allows(None, "c", "$share/g/a", Action::Write));
        assert!(open.allows(None, "c", "$other", Action::Write));
    }

    #[test]
    fn a_stand_logs_in_with_its_own_password_and_acts_as_another() {
        let stand = Stand {
            login: "s".into(),
            password: Secret::new(b"right".to_vec()),
            acts_as: Some("sensor".into()),
        };
        let access = Access { stands: Some(Arc::new(vec![stand])), ..Access::default() };
        assert_eq!(access.login(Some("s"), Some(b"right")), Some(Identity::User(Some("sensor".into()))));
        assert_eq!(access.login(Some("s"), Some(b"wrong")), None);
        assert_eq!(access.login(Some("sensor"), Some(b"right")), None);
        assert_eq!(access.login(None, None), None);
    }
}
