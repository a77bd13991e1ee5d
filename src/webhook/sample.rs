//! A provider's sample as a request, with every proof that can be made here.

use data_encoding::BASE64;

use super::{Expected, Form, Provider, Request, Scheme, form, signature::mandrill};

/// The sample of `provider`, proven as far as its keys are ours. SendGrid's and Amazon's are not:
/// their samples are unsigned.
pub fn sample(provider: &Provider, expected: &Expected) -> Request {
    let payload = provider.setup.sample;
    let mut request = Request {
        method: "POST".into(),
        target: format!("/mailer/{}/callback", provider.callbacks[0]),
        ..Request::default()
    };
    if let Some(secret) = &expected.url_secret {
        request.target.push('/');
        request.target.push_str(secret);
    }
    let mut header = |name: &str, value: &str| {
        request.headers.push((name.to_owned(), value.to_owned()));
    };
    if let Some((user, password)) = &expected.basic {
        let pair = BASE64.encode(format!("{user}:{password}").as_bytes());
        header("Authorization", &format!("Basic {pair}"));
    }
    match (provider.scheme, &expected.token) {
        (Scheme::Token(name), Some(token)) => header(name, token),
        (Scheme::Sns, _) => header("Content-Type", "text/plain; charset=UTF-8"),
        _ => {}
    }
    match provider.form {
        Form::Flat => {
            request.method = "GET".into();
            request.target.push('?');
            request.target.push_str(payload);
        }
        Form::Parameter(_) => {
            header("Content-Type", "application/x-www-form-urlencoded");
            request.body = payload.into();
        }
        Form::None => {
            if provider.scheme != Scheme::Sns {
                header("Content-Type", "application/json");
            }
            request.body = payload.into();
        }
    }
    if let (Scheme::Mandrill, Some(hmac)) = (provider.scheme, &expected.hmac) {
        let parameters: Vec<mandrill::Parameter<'_>> = form::parameters(payload).collect();
        let url = hmac.url.of(&request.target);
        // Where the library refuses HMAC-SHA1 the sample goes unsigned, and is refused.
        if let Ok(signature) = mandrill::sign(&hmac.key, &url, &parameters) {
            let name = mandrill::SIGNATURE.to_owned();
            request.headers.push((name, signature));
        }
    }
    request
}
