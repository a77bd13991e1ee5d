//! Started by a web server: then the command is `webhook:receive`, whatever the other side says.

use std::ffi::{OsStr, OsString};

use bouncekit_core::webhook::form;

/// The command line a web server means. Servers pass arguments of their own: Apache the words of a
/// query without `=` (RFC 3875, 4.4), which are the other side's, and lighttpd the script that an
/// interpreter is to run. Neither is an argument for us; those of a wrapper script are.
pub(super) fn arguments(
    args: Vec<OsString>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<OsString> {
    if variable("GATEWAY_INTERFACE").is_none() {
        return args;
    }
    let own: Vec<OsString> = args.iter().skip(1).map(|arg| unescaped(arg)).collect();
    let query = variable("QUERY_STRING").unwrap_or_default();
    let is_query = !own.is_empty() && words(&query.to_string_lossy()) == own;
    let is_script =
        matches!(own.as_slice(), [script] if variable("SCRIPT_FILENAME").as_ref() == Some(script));
    if own.is_empty() || is_query || is_script {
        let program = args.first().map_or(OsStr::new("bouncekit"), |first| first);
        return vec![program.to_owned(), "webhook:receive".into()];
    }
    args
}

/// The words of a query as a server passes them on; Apache puts a backslash before what a shell
/// might understand.
fn words(query: &str) -> Vec<OsString> {
    if query.contains('=') {
        return Vec::new();
    }
    let word = |word: &str| {
        let word = word.replace('&', "%26");
        let (word, _) = form::parameters(&word).next()?;
        Some(unescaped(OsStr::new(&*word)))
    };
    query
        .split('+')
        .map(|text| word(text).unwrap_or_default())
        .collect()
}

fn unescaped(argument: &OsStr) -> OsString {
    argument.to_string_lossy().replace('\\', "").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(pairs: &[(&str, &str)], args: &[&str]) -> Vec<String> {
        let args = ["bouncekit"]
            .iter()
            .chain(args)
            .map(OsString::from)
            .collect();
        let find = |name: &str| {
            pairs
                .iter()
                .find(|pair| pair.0 == name)
                .map(|pair| pair.1.into())
        };
        let out = arguments(args, find);
        out.into_iter()
            .skip(1)
            .map(|arg| arg.into_string().unwrap())
            .collect()
    }

    #[test]
    fn the_words_of_a_query_are_never_a_command() {
        let cgi = ("GATEWAY_INTERFACE", "CGI/1.1");
        assert_eq!(under(&[], &["contacts:list"]), ["contacts:list"]);
        assert_eq!(under(&[cgi], &[]), ["webhook:receive"]);
        for (query, args) in [
            ("contacts:list", &["contacts:list"][..]),
            ("a&b", &["a\\&b"]),
            ("--config+%2fx%3b", &["--config", "/x\\;"]),
        ] {
            assert_eq!(
                under(&[cgi, ("QUERY_STRING", query)], args),
                ["webhook:receive"]
            );
        }
        let script = ("SCRIPT_FILENAME", "/srv/callback.cgi");
        assert_eq!(
            under(&[cgi, script], &["/srv/callback.cgi"]),
            ["webhook:receive"]
        );
        let wrapped = ["--config", "/etc/b.toml", "webhook:receive"];
        for query in ["", "a=b", "status"] {
            assert_eq!(under(&[cgi, ("QUERY_STRING", query)], &wrapped), wrapped);
        }
    }
}
