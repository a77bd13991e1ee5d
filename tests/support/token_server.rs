//! An authorisation server: a token endpoint (RFC 6749) that gives tokens as it is told, and an
//! introspection endpoint (RFC 7662) by which Dovecot asks whose token it was shown.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

pub(crate) type Form = BTreeMap<String, String>;

#[derive(Default)]
struct State {
    /// Token → user.
    valid: BTreeMap<String, String>,
    /// The forms that the token endpoint was sent.
    asked: Vec<Form>,
    given: u32,
}

pub(crate) struct TokenServer {
    port: u16,
    state: Arc<Mutex<State>>,
}

/// How the token endpoint answers: status and body.
pub(crate) type Answer = (u16, String);

impl TokenServer {
    /// Gives a token of `user` for every refresh token and client secret that is `right`.
    pub(crate) fn of(user: &'static str, right: &'static str) -> Self {
        Self::start(user, move |form, token| {
            let shown = form.get("refresh_token").or(form.get("client_secret"));
            if shown.is_some_and(|shown| shown == right) {
                let body = format!(
                    r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3599}}"#
                );
                (200, body)
            } else {
                (
                    400,
                    r#"{"error":"invalid_grant","error_description":"Bad Request"}"#.into(),
                )
            }
        })
    }

    /// `answer` is told the form and a new token, which is valid once it was given.
    pub(crate) fn start(
        user: &'static str,
        answer: impl Fn(&Form, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<Mutex<State>>::default();
        let (shared, answer) = (Arc::clone(&state), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                thread::spawn(move || serve(stream, user, &state, answer.as_ref()));
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub(crate) fn asked(&self) -> Vec<Form> {
        self.state.lock().unwrap().asked.clone()
    }

    /// Makes every token worthless.
    pub(crate) fn revoke(&self) {
        self.state.lock().unwrap().valid.clear();
    }
}

fn serve(
    stream: TcpStream,
    user: &str,
    state: &Mutex<State>,
    answer: &(dyn Fn(&Form, &str) -> Answer + Send + Sync),
) -> Option<()> {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let form: Form = bouncekit_core::webhook::form::parameters(std::str::from_utf8(&body).ok()?)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let (status, body) = if first.starts_with("POST /introspect") {
        let state = state.lock().unwrap();
        let owner = form.get("token").and_then(|token| state.valid.get(token));
        let body = owner.map_or_else(
            || r#"{"active":false}"#.to_owned(),
            |user| format!(r#"{{"active":true,"username":"{user}"}}"#),
        );
        (200, body)
    } else {
        let token = {
            let mut state = state.lock().unwrap();
            state.asked.push(form.clone());
            state.given += 1;
            format!("access-{}-Qx9", state.given)
        };
        let (status, body) = answer(&form, &token);
        if status == 200 {
            state.lock().unwrap().valid.insert(token, user.to_owned());
        }
        (status, body)
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let stream = reader.get_mut();
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()
}
