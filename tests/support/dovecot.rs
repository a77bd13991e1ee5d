//! A real IMAP server: Debian's Dovecot as an ordinary process, one a test, on loopback ports of
//! its own, with its own folder, user and certificate authority.
//!
//! Mails are put into its Maildir and looked at there, behind its back: fast, and flags are in the
//! file names. As root, Dovecot refuses to touch mail as root, so everything is `nobody`'s then.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::certificates::{self, Validity};

pub(crate) const USER: &str = "u1";
/// Odd enough to be searched for in every output.
pub(crate) const PASSWORD: &str = "geheim-7fQ2";

pub(crate) struct Dovecot {
    folder: tempfile::TempDir,
    child: Child,
    owner: Option<(u32, u32)>,
    /// Unprotected and STARTTLS.
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
}

/// Starts a server, or says that there is none to start.
pub(crate) fn dovecot() -> Option<Dovecot> {
    dovecot_with(Validity::Now)
}

pub(crate) fn dovecot_with(validity: Validity) -> Option<Dovecot> {
    started(validity, "")
}

/// A server that believes tokens, too, for which the introspection endpoint vouches.
pub(crate) fn dovecot_with_tokens(introspection: &str) -> Option<Dovecot> {
    started(Validity::Now, introspection)
}

fn started(validity: Validity, introspection: &str) -> Option<Dovecot> {
    let program = ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"]
        .into_iter()
        .find(|path| Path::new(path).is_file());
    let Some(program) = program else {
        eprintln!("skipped: Dovecot is not installed (apt-get install dovecot-imapd)");
        return None;
    };
    // Another process may take a free port before Dovecot does.
    (0..5)
        .find_map(|_| Dovecot::start(program, validity, introspection))
        .or_else(|| panic!("Dovecot does not start"))
}

impl Dovecot {
    fn start(program: &str, validity: Validity, introspection: &str) -> Option<Self> {
        let folder = tempfile::Builder::new()
            .prefix("bouncekit-dovecot-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        let root = folder.path();
        for name in ["run", "state", "tls", "mail"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        certificates::write(&root.join("tls"), validity);
        let mine = fs::metadata(root).unwrap();
        let (owner, user, group) = if mine.uid() == 0 {
            let (nobody, group) = (id(&["-u", "nobody"]), id(&["-gn", "nobody"]));
            let gid = id(&["-g", "nobody"]).parse().unwrap();
            (Some((nobody.parse().unwrap(), gid)), "nobody".into(), group)
        } else {
            (None, id(&["-un"]), id(&["-gn"]))
        };
        let [port, tls_port] = free_ports();
        let config = root.join("dovecot.conf");
        let mut text = configuration(root, port, tls_port, &user, &group);
        if !introspection.is_empty() {
            text += &with_tokens(root, introspection);
        }
        fs::write(&config, text).unwrap();
        fs::write(
            root.join("users"),
            format!("{USER}:{{PLAIN}}{PASSWORD}::::::\n"),
        )
        .unwrap();
        // setsid(1) makes it the leader of a session and so of a process group: one signal ends all.
        let child = Command::new("setsid")
            .args([program, "-F", "-c"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut dovecot = Self {
            folder,
            child,
            owner,
            port,
            tls_port,
        };
        dovecot.own(&dovecot.root().join("mail"));
        dovecot.make_folder("INBOX");
        dovecot.answers().then_some(dovecot)
    }

    fn answers(&mut self) -> bool {
        let patience = Instant::now() + Duration::from_secs(20);
        while Instant::now() < patience && self.child.try_wait().unwrap().is_none() {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                let mut greeting = String::new();
                let _ = BufReader::new(stream).read_line(&mut greeting);
                if greeting.starts_with("* OK") {
                    return true;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.root().join("tls/ca.pem")
    }

    pub(crate) fn maildir(&self, folder: &str) -> PathBuf {
        let mail = self.root().join("mail").join(USER);
        if folder == "INBOX" {
            return mail;
        }
        mail.join(format!(
            ".{}",
            utf7_imap::encode_utf7_imap(folder.to_owned())
        ))
    }

    fn own(&self, path: &Path) {
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    pub(crate) fn make_folder(&self, folder: &str) {
        let maildir = self.maildir(folder);
        for path in ["", "cur", "new", "tmp"].map(|part| maildir.join(part)) {
            fs::create_dir_all(&path).unwrap();
            self.own(&path);
        }
    }

    /// Puts a mail, unseen, into a folder, which is made where it is missing. `name` names it in
    /// [`Dovecot::flags`]; UIDs follow the order of the names.
    pub(crate) fn put(&self, folder: &str, name: &str, mail: impl AsRef<[u8]>) {
        let maildir = self.maildir(folder);
        if !maildir.join("new").is_dir() {
            self.make_folder(folder);
        }
        let path = maildir.join("tmp").join(name);
        fs::write(&path, mail).unwrap();
        self.own(&path);
        fs::rename(&path, maildir.join("new").join(name)).unwrap();
    }

    /// Name → Maildir flags (`S` is `\Seen`) of all messages of a folder.
    pub(crate) fn flags(&self, folder: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for part in ["new", "cur"] {
            let Ok(entries) = fs::read_dir(self.maildir(folder).join(part)) else {
                continue;
            };
            for entry in entries {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let (name, flags) = name.split_once(":2,").unwrap_or((&name, ""));
                // Dovecot adds sizes: `name,S=123,W=130`.
                let name = name.split(",S=").next().unwrap();
                found.insert(name.to_owned(), flags.to_owned());
            }
        }
        found
    }

    pub(crate) fn seen(&self, folder: &str) -> usize {
        self.flags(folder)
            .values()
            .filter(|flags| flags.contains('S'))
            .count()
    }

    /// UIDVALIDITY, once the folder was opened.
    pub(crate) fn uid_validity(&self, folder: &str) -> String {
        let list = fs::read_to_string(self.maildir(folder).join("dovecot-uidlist")).unwrap();
        let field = list.split_whitespace().find(|field| field.starts_with('V'));
        field.unwrap().to_owned()
    }

    /// Forgets the folder's UIDs, as after a restored backup: the next opening gives new ones.
    pub(crate) fn forget_uids(&self, folder: &str) {
        for entry in fs::read_dir(self.maildir(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name == "dovecot-uidlist" || name.starts_with("dovecot.index") {
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// Another mail client at the same account.
    pub(crate) fn client(&self) -> imap::Session<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut client = imap::Client::new(stream);
        client.read_greeting().unwrap();
        client
            .login(USER, PASSWORD)
            .map_err(|(error, _)| error)
            .unwrap()
    }

    /// Takes `\Seen` from all messages, as a person may.
    pub(crate) fn client_marks_all_unread(&self, folder: &str) {
        let mut client = self.client();
        client.select(folder).unwrap();
        client.store("1:*", "-FLAGS.SILENT (\\Seen)").unwrap();
        client.logout().unwrap();
    }

    /// The server as `host`, `port` and so on of a configuration.
    pub(crate) fn connection(&self, security: &str) -> String {
        let connection = self.connection_without_password(security);
        format!("{connection}password_env = \"MAIL_PASSWORD\"\n")
    }

    pub(crate) fn connection_without_password(&self, security: &str) -> String {
        let port = if security == "tls" {
            self.tls_port
        } else {
            self.port
        };
        format!(
            "[connection]\nhost = \"localhost\"\nport = {port}\nsecurity = \"{security}\"\n\
             ca_file = \"{}\"\nuser = \"{USER}\"\n",
            self.ca().display()
        )
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            // It may have ended by itself.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.root().join("dovecot.log")).unwrap_or_default();
            eprintln!("Dovecot's log:\n{log}");
        }
    }
}

fn id(args: &[&str]) -> String {
    let output = Command::new("id").args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Tokens beside passwords; the endpoint is asked about each.
fn with_tokens(root: &Path, introspection: &str) -> String {
    let root = root.display();
    fs::write(
        format!("{root}/oauth2.conf"),
        format!(
            "introspection_mode = post\nintrospection_url = {introspection}\nforce_introspection = yes\n\
             username_attribute = username\nactive_attribute = active\nactive_value = true\n\
             timeout_msecs = 5000\n"
        ),
    )
    .unwrap();
    format!(
        "auth_mechanisms = plain login xoauth2 oauthbearer\npassdb {{\n  driver = oauth2\n  \
         mechanisms = xoauth2 oauthbearer\n  args = {root}/oauth2.conf\n}}\n"
    )
}

fn configuration(root: &Path, port: u16, tls_port: u16, user: &str, group: &str) -> String {
    let root = root.display();
    format!(
        "base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/dovecot.log
instance_name = bouncekit-{port}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{root}/tls/server.pem
ssl_key = <{root}/tls/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login
# No growing sleep after a wrong password.
auth_failure_delay = 0 secs
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{root}/mail/%u
mail_uid = {user}
mail_gid = {group}
mail_fsync = never
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 100
passdb {{
  driver = passwd-file
  args = {root}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={root}/mail/%u
}}
# An ordinary user can neither chroot nor change to another user.
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service auth-worker {{
  user = {user}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1 127.0.0.2
    port = {tls_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 50
  vsz_limit = 2G
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"
    )
}
