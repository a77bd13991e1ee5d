//! CGI (RFC 3875): a request from the server's variables, and the answer to it.

use crate::webhook::Request;

/// A request before its body is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Without a body and a time.
    pub request: Request,
    /// The path the server calls this program's own part, where it gives one.
    pub path_info: Option<String>,
    /// `None` where the server does not say; the error is a value that is no number.
    pub content_length: Result<Option<u64>, String>,
}

/// Reads the variables of the server.
pub fn head(variables: impl IntoIterator<Item = (String, String)>) -> Head {
    let mut request = Request::default();
    let mut path_info = None;
    let mut script = String::new();
    let mut query = String::new();
    let mut content_length = Ok(None);
    let mut redirected = None;
    for (name, value) in variables {
        match name.as_str() {
            "REQUEST_METHOD" => request.method = value,
            "REQUEST_URI" => request.target = origin_form(&value),
            "SCRIPT_NAME" => script = value,
            "PATH_INFO" => path_info = Some(value).filter(|path| !path.is_empty()),
            "QUERY_STRING" => query = value,
            "CONTENT_LENGTH" | "CONTENT_TYPE" if value.is_empty() => {}
            "CONTENT_LENGTH" => content_length = value.parse().map(Some).map_err(|_| value),
            "CONTENT_TYPE" => request.headers.push(("content-type".into(), value)),
            // Some servers keep it back from CGI unless it is passed on like this.
            "REDIRECT_HTTP_AUTHORIZATION" => redirected = Some(value),
            _ => {
                if let Some(name) = name.strip_prefix("HTTP_") {
                    let name = name.to_ascii_lowercase().replace('_', "-");
                    request.headers.push((name, value));
                }
            }
        }
    }
    if request.header("authorization").is_none()
        && let Some(value) = redirected
    {
        request.headers.push(("authorization".into(), value));
    }
    // Variables come in any order; stored requests should look alike.
    request.headers.sort();
    if request.target.is_empty() {
        request.target = script + path_info.as_deref().unwrap_or_default();
        if !query.is_empty() {
            request.target.push('?');
            request.target.push_str(&query);
        }
    }
    Head {
        request,
        path_info,
        content_length,
    }
}

/// Path and query of a target that names scheme and host too (RFC 9112, 3.2.2).
fn origin_form(target: &str) -> String {
    target
        .split_once("://")
        .filter(|(scheme, _)| {
            scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
        })
        .and_then(|(_, rest)| rest.find('/').map(|slash| rest[slash..].to_owned()))
        .unwrap_or_else(|| target.to_owned())
}

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: Status,
    /// One line for the other side; nothing it should not know.
    pub text: String,
    /// For the server's log.
    pub log: Option<Log>,
}

/// Why a request was not taken, for the person who runs the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub cause: String,
    pub hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    BadRequest,
    Forbidden,
    NotFound,
    /// With the methods that are allowed.
    MethodNotAllowed(&'static [&'static str]),
    ContentTooLarge,
    Unavailable,
}

impl Status {
    pub const fn code(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::ContentTooLarge => 413,
            Self::Unavailable => 503,
        }
    }

    const fn phrase(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::BadRequest => "Bad Request",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "Not Found",
            Self::MethodNotAllowed(_) => "Method Not Allowed",
            Self::ContentTooLarge => "Content Too Large",
            Self::Unavailable => "Service Unavailable",
        }
    }
}

impl Answer {
    pub fn new(status: Status, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            log: None,
        }
    }

    #[must_use]
    pub fn because(mut self, cause: &(impl ToString + ?Sized), hint: Option<&str>) -> Self {
        self.log = Some(Log {
            cause: cause.to_string(),
            hint: hint.map(str::to_owned),
        });
        self
    }

    /// The answer as the server wants it, to be written at once: a program that is killed between
    /// two writes would leave a 200 without its end. `head_only` for the method HEAD.
    pub fn to_cgi(&self, head_only: bool) -> Vec<u8> {
        let mut out = format!(
            "Status: {} {}\r\n",
            self.status.code(),
            self.status.phrase()
        );
        if let Status::MethodNotAllowed(methods) = self.status {
            out.push_str(&format!("Allow: {}\r\n", methods.join(", ")));
        }
        if self.status == Status::Unavailable {
            out.push_str("Retry-After: 60\r\n");
        }
        out.push_str("Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n\r\n");
        if !head_only {
            out.push_str(&self.text);
            out.push('\n');
        }
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Head {
        head(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn headers_are_named_as_they_were_sent() {
        let head = variables(&[
            ("REQUEST_METHOD", "POST"),
            ("REQUEST_URI", "/mailer/sendgrid_api/callback?a=b"),
            ("QUERY_STRING", "a=b"),
            ("CONTENT_LENGTH", "12"),
            ("CONTENT_TYPE", "application/json"),
            ("HTTP_X_TWILIO_EMAIL_EVENT_WEBHOOK_TIMESTAMP", "1"),
            ("REDIRECT_HTTP_AUTHORIZATION", "Basic x"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(head.content_length, Ok(Some(12)));
        assert_eq!(head.request.target, "/mailer/sendgrid_api/callback?a=b");
        assert_eq!(head.request.header("Authorization"), Some("Basic x"));
        let timestamp = crate::webhook::signature::sendgrid::TIMESTAMP;
        assert_eq!(head.request.header(timestamp), Some("1"));
        assert_eq!(head.request.headers.len(), 3);
    }

    #[test]
    fn a_server_without_request_uri_gives_the_parts() {
        let head = variables(&[
            ("SCRIPT_NAME", "/mailer"),
            ("PATH_INFO", "/mandrill/callback"),
            ("QUERY_STRING", "x"),
            ("CONTENT_LENGTH", "-1"),
        ]);
        assert_eq!(head.request.target, "/mailer/mandrill/callback?x");
        assert_eq!(head.content_length, Err("-1".into()));
        let head = variables(&[("REQUEST_URI", "https://h/mailer/x/callback")]);
        assert_eq!(head.request.target, "/mailer/x/callback");
    }

    #[test]
    fn an_answer_says_what_is_allowed_and_a_head_has_no_body() {
        let answer = Answer::new(Status::MethodNotAllowed(&["HEAD", "POST"]), "no");
        let text = String::from_utf8(answer.to_cgi(false)).unwrap();
        assert!(text.starts_with("Status: 405 Method Not Allowed\r\nAllow: HEAD, POST\r\n"));
        assert!(text.ends_with("\r\n\r\nno\n"), "{text}");
        assert!(answer.to_cgi(true).ends_with(b"\r\n\r\n"));
    }
}
