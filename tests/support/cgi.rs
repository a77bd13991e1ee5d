//! Requests to `webhook:receive`: as a web server's variables, and through a real lighttpd.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::TestEnv;

/// A callback of a provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct Callback {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Callback {
    pub(crate) fn post(name: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST",
            target: format!("/mailer/{name}/callback"),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn get(name: &str, query: &str) -> Self {
        Self {
            method: "GET",
            target: format!("/mailer/{name}/callback?{query}"),
            ..Self::default()
        }
    }

    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Basic authentication.
    pub(crate) fn login(self, user: &str, password: &str) -> Self {
        let pair = data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes());
        self.header("Authorization", &format!("Basic {pair}"))
    }
}

/// What a callback was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
    /// What the program wrote for the server's log.
    pub(crate) log: String,
}

impl TestEnv {
    /// Starts the program as a web server does; the body is still to be written.
    pub(crate) fn start_cgi(&self, callback: &Callback) -> Child {
        let (path, query) = callback
            .target
            .split_once('?')
            .unwrap_or((&callback.target, ""));
        let mut command = self.command::<&str>([]);
        command
            .env("GATEWAY_INTERFACE", "CGI/1.1")
            .env("BOUNCEKIT_CONFIG", self.path("bouncekit.toml"))
            .env("REQUEST_METHOD", callback.method)
            .env("REQUEST_URI", &callback.target)
            .env("SCRIPT_NAME", path)
            .env("QUERY_STRING", query)
            .env("CONTENT_LENGTH", callback.body.len().to_string())
            .stdin(Stdio::piped());
        for (name, value) in &callback.headers {
            let name = name.to_uppercase().replace('-', "_");
            let prefix = if name == "CONTENT_TYPE" { "" } else { "HTTP_" };
            command.env(format!("{prefix}{name}"), value);
        }
        command.spawn().unwrap()
    }

    /// Calls the program as a web server does.
    pub(crate) fn call(&self, callback: &Callback) -> Answer {
        let mut child = self.start_cgi(callback);
        // A refused request's body is not read.
        let _ = child.stdin.take().unwrap().write_all(&callback.body);
        let output = super::finish(child);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let (head, body) = output.stdout.split_once("\r\n\r\n").unwrap();
        let status = head.strip_prefix("Status: ").unwrap();
        Answer {
            status: status[..3].parse().unwrap(),
            headers: head.to_owned(),
            body: body.to_owned(),
            log: output.stderr,
        }
    }

    /// The contents of a folder of the spool, in order.
    pub(crate) fn spooled(&self, folder: &str) -> Vec<Vec<u8>> {
        let Ok(entries) = fs::read_dir(self.path("spool").join(folder)) else {
            return Vec::new();
        };
        let mut paths: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "http"))
            .collect();
        paths.sort();
        paths.iter().map(|path| fs::read(path).unwrap()).collect()
    }
}

/// A lighttpd on a port of its own that calls the program in a [`TestEnv`].
pub(crate) struct Lighttpd {
    child: Child,
    port: u16,
}

impl Lighttpd {
    /// Starts the server; says so where there is none.
    pub(crate) fn start(env: &TestEnv) -> Option<Self> {
        let program = ["/usr/sbin/lighttpd", "/usr/bin/lighttpd"]
            .into_iter()
            .find(|path| fs::exists(path).unwrap_or(false));
        let Some(program) = program else {
            eprintln!("skipped: there is no lighttpd (Debian package lighttpd)");
            return None;
        };
        // Freed again for the server; nobody else on this machine is told the number.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let binary = env!("CARGO_BIN_EXE_bouncekit");
        let folder = env.path("");
        let folder = folder.display();
        let config = format!(
            r#"
server.modules = ( "mod_setenv", "mod_alias", "mod_cgi" )
server.document-root = "{folder}"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{folder}/lighttpd.err"
server.upload-dirs = ( "{folder}/tmp" )
server.max-request-size = 4096
server.stream-request-body = 0
$HTTP["url"] =~ "^/mailer/[a-z0-9_-]+/callback(/[^/]*)?$" {{
  alias.url = ( "/mailer" => "{binary}" )
  setenv.set-environment = (
    "BOUNCEKIT_CONFIG" => "{folder}/bouncekit.toml",
    "BOUNCEKIT_NOW" => "{now}",
    "BOUNCEKIT_STORE_URL" => "{url}"
  )
  cgi.assign = ( "" => "" )
}}
"#,
            now = super::NOW,
            url = env.store_url().unwrap_or_default()
        );
        let config = env.write("lighttpd.conf", config);
        let child = Command::new(program)
            .args(["-D", "-f"])
            .arg(config)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self { child, port };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = server.child.try_wait().unwrap() {
                let mut said = String::new();
                let stderr = server.child.stderr.as_mut().unwrap();
                stderr.read_to_string(&mut said).unwrap();
                panic!("lighttpd ended with {status}: {said}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sends a callback; answers the status and the body.
    pub(crate) fn call(&self, callback: &Callback) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut head = format!(
            "{} {} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n",
            callback.method,
            callback.target,
            callback.body.len()
        );
        for (name, value) in &callback.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // The server may answer and close before it read a body that it refuses.
        let _ = stream.write_all(&callback.body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }
}

impl Drop for Lighttpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
