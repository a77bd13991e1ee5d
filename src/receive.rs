//! A provider's callback: who calls, is it allowed, is it proven; into the spool, then the answer.
//!
//! Neither network nor database is touched: what cannot be verified without them is stored
//! unverified and verified when the spool is processed.

use crate::{
    cgi::{Answer, Head, Status},
    config::Config,
    gate::{self, Admission, Gate},
    spool::{Limits, Spool},
    webhook::{Provider, Request, TEST_PROOF, Verification, form},
};

/// Whose callback this is, and that method and length will do; before the body is read.
pub fn admit(head: &mut Head, config: &Config) -> Result<&'static Provider, Answer> {
    let Some(provider) = route(head) else {
        return Err(Answer::new(Status::NotFound, "there is no such callback"));
    };
    if !provider.methods.contains(&head.request.method.as_str()) {
        let status = Status::MethodNotAllowed(provider.methods);
        return Err(Answer::new(status, "another method is expected"));
    }
    match &head.content_length {
        Ok(length) if length.unwrap_or(0) > config.webhook.body_limit => Err(too_large(config)),
        Ok(_) => Ok(provider),
        Err(value) => Err(
            Answer::new(Status::BadRequest, "Content-Length is no number").because(
                &format!("the server says CONTENT_LENGTH is `{value}`"),
                None,
            ),
        ),
    }
}

/// The answer to a body over the limit.
pub fn too_large(config: &Config) -> Answer {
    let limit = config.webhook.body_limit;
    Answer::new(Status::ContentTooLarge, "the body is too large").because(
        &format!("a body of more than {limit} octets was refused"),
        Some("raise `body_limit` in [webhook] if the provider really sends so much"),
    )
}

/// `[...]/mailer/NAME/callback[/SECRET]` in the target; or `[mailer/]NAME/callback[/SECRET]` in the
/// part of the path that is this program's, which then becomes the target.
fn route(head: &mut Head) -> Option<&'static Provider> {
    fn named(path: &str, anywhere: bool) -> Option<&'static Provider> {
        let path = path.trim_matches('/');
        let rest = match path.rfind("mailer/") {
            Some(start) if start == 0 || (anywhere && path[..start].ends_with('/')) => {
                &path[start + "mailer/".len()..]
            }
            _ if anywhere => return None,
            _ => path,
        };
        let mut segments = rest.split('/');
        let provider = Provider::named(segments.next()?)?;
        (segments.next()? == "callback" && segments.count() <= 1).then_some(provider)
    }
    if let Some(provider) = named(head.request.path(), true) {
        return Some(provider);
    }
    let path = head.path_info.as_deref()?;
    let provider = named(path, false)?;
    let query = head.request.query().map(|query| format!("?{query}"));
    head.request.target = format!("{path}{}", query.unwrap_or_default());
    Some(provider)
}

/// Verifies a whole request, stores it, and says so.
pub fn receive(provider: &'static Provider, request: &Request, config: &Config) -> Answer {
    // A check of the URL brings nothing and is sent before there is any key.
    if request.method == "HEAD" {
        return Answer::new(Status::Ok, "");
    }
    let gate = Gate::new(config, gate::Options::default());
    let (verification, is_proven) = match gate.admit(provider, request) {
        Ok(Admission::Admitted(verification)) => {
            let is_proven = verification.has_passed() || verification == Verification::Off;
            (verification, is_proven)
        }
        // The replay may fetch what is missing here.
        Ok(Admission::Refused(verification @ Verification::Undecided { .. })) => {
            (verification, false)
        }
        Ok(Admission::Refused(verification)) => {
            return Answer::new(Status::Forbidden, "the request proves nothing").because(
                &format!(
                    "a callback of {} was refused: {verification}",
                    provider.title
                ),
                verification.hint(),
            );
        }
        Ok(Admission::Later(error)) => return later(&error, error.hint()),
        Err(error) => return later(&error, error.hint()),
    };
    if is_test(provider, request, &verification) {
        return Answer::new(Status::Ok, "the test arrived");
    }
    let spool = Spool::at(&config.webhook.spool);
    let limits = Limits {
        files: config.webhook.spool_files,
        size: config.webhook.spool_size,
    };
    let at = request.received_at.unwrap_or(crate::time::Timestamp(0));
    match spool.store(provider.name, &request.to_frame(), at, limits) {
        Ok(_) => {
            let answer = Answer::new(Status::Ok, "received");
            if is_proven {
                answer
            } else {
                answer.because(
                    &format!(
                        "a callback of {} was stored, {verification}",
                        provider.title
                    ),
                    verification.hint(),
                )
            }
        }
        Err(error) => later(&error, error.hint()),
    }
}

fn later(cause: &impl ToString, hint: &str) -> Answer {
    Answer::new(Status::Unavailable, "not now, try again later").because(cause, Some(hint))
}

/// Whether the request only tries whether somebody is there: it holds no event, so that storing it
/// would let anyone fill the spool who knows Mandrill's test key.
fn is_test(provider: &Provider, request: &Request, verification: &Verification) -> bool {
    let query = request.query().unwrap_or_default();
    let tells_nothing = form::parameters(query).all(|(name, _)| name == "secret");
    let brings_nothing =
        request.body.trim_ascii().is_empty() && (tells_nothing || provider.methods == ["POST"]);
    brings_nothing || matches!(verification, Verification::Passed(by) if by.contains(&TEST_PROOF))
}
