//! What is said about the recipient or the recipient's domain.

use super::{Reason, Rule, Sample, coded, rules, says};

/// The domain says that it takes no mail.
pub(super) const NO_MAIL: &[Rule] = rules! {
    "null-mx-of-the-sender" Rejected says [
        "sender address has null mx", "sender domain has null mx", "sender * null mx",
    ]
        sample coded("5.7.27", "550 5.7.27 <neko@example.org>: Sender address has null MX");
    "null-mx" NotAccept says [
        "null mx", "nullmx", "null-mx", "domain does not accept mail", "domain does not accept email",
        "domain does not receive", "domain * doesn't receive email", "domain * does not accept mail",
        "domain doesn't accept mail", "mail to this domain is not accepted", "domain not accepting mail",
        "host does not accept mail", "host accepts no mail", "system does not accept mail",
        "server does not accept mail", "does not accept any mail", "does not receive mail",
        "does not receive email", "doesn't accept email", "indicated no smtp service",
        "no mail service here", "no smtp service here", "this host does not accept",
        "no mail accepted here", "smtp protocol returned a permanent error 521", "mail not accepted here",
        "no mx found for domain",
        "no mx record found for domain", "domain accepts no mail", "not accept mail for any",
        "machine does not accept mail", "we do not accept mail from anyone", "does not accept smtp",
        "this server does not accept",
    ]
        sample says("556 5.1.10 Recipient address has null MX");
};

/// The recipient's own list or filter.
pub(super) const OWN_FILTER: &[Rule] = rules! {
    "recipient-refuses" Filtered says [
        "mailbox owner has blocked", "mailbox owner refuses", "mailbox owner has refused",
        "rejected by the recipient.", "refused by the recipient.", "recipient preferences",
        "recipient's preferences", "by the recipient's", "blocked by the recipient",
        "blocked by recipient", "blocked by user", "rejected by user", "rejected by the user",
        "rejected by recipient", "refused by recipient", "user reject", "recipient refuses", "recipient has refused", "recipient's personal filter",
        "refuse to receive mail", "refuses to accept", "does not want your mail",
        "does not wish to receive", "do not wish to receive", "recipient has blocked",
        "recipient has rejected", "recipient has opted out", "recipient blocked", "user has blocked",
        "only accepting mail from specific", "only accepts mail from", "only accepts messages from",
        "accepts mail only from", "not in my list of allowed senders", "not on the recipient's",
        "is not on the guest list", "not accepting mail from", "doesn't accept mail from you",
        "has restricted", "restricted sms e-mail", "account is protected by", "challenge-response",
        "badrcptto", "personal blacklist", "personal block", "user's blacklist", "blocked senders list",
        "recipient's blacklist", "recipient's block list", "killfile", "message filtered", "mail filtered",
        "user filter", "filtered by user", "sieve reject", "rejected by sieve", "bounced address",
        "unsubscribed address", "spam reporting address", "recipient rejected your message",
        "is not accepting messages from you", "you are in * blacklist", "user in blacklist", "受信拒否", "拒收",
        "收件人拒绝", "拒绝接收", "수신 거부", "수신거부", "vom empfänger abgelehnt", "von dem empfänger abgelehnt",
    ]
        sample says("550 5.7.1 Refused due to recipient preferences");
};

/// Said of the mailbox what is else said of a host.
pub(super) const BLOCKED: &[Rule] = rules! {
    "mailbox-blocked" Suspended says [
        "mailbox has been blocked", "mailbox is blocked", "mailbox was blocked", "mailbox blocked",
        "recipient's account has been blocked", "recipient account has been blocked",
        "recipient's account is blocked", "recipient account is blocked", "mailbox has been banned",
        "mailbox * blocked due to inactivity", "account * blocked due to inactivity",
    ]
        sample says("550 5.2.1 This mailbox has been blocked due to inactivity");
};

/// Words about the recipient that the code or the command they answer contradicts; closed lists.
pub(super) const FILTER: &[Rule] = rules! {
    // Yahoo and who uses its software, after the message.
    "no-account-said-after-the-message" Filtered says ["this user doesn't have a * account"]
        sample says("This user doesn't have a example.com account (neko@example.com) [0]");
    "unknown-only-after-the-message" Filtered says [
        "unknown user", "user unknown", "no such user", "user not found", "user does not exist",
        "unknown recipient", "recipient unknown", "invalid recipient", "mailbox unavailable",
        "account not found",
    ]
        also [
            "in reply to end of data", "in reply to data", "after end of data", "after data", ">>> data",
            "after pipelined data", "after sending data", "after sending message",
            // Gmail's number of the step that was refused.
            "(state 15)", "(state 17)", "(state 18)",
        ]
        sample says("host mx.example.jp[192.0.2.1] said: 550 Unknown user neko (in reply to end of DATA command)");
    "unknown-at-rcpt-whatever-the-code" UserUnknown says [
        "unknown user", "user unknown", "no such user", "user not found",
    ]
        also [
            "after rcpt to", "after rcpt command", "did not like our rcpt to", "does not like recipient",
            "[rcpt to]", "in reply to rcpt to", ">>> rcpt to", "(state 12)", "(state 13)", "(state 14)",
        ]
        sample coded("5.2.1", "SMTP error from remote mail server after RCPT TO:<neko@example.com>: 550 5.2.1 <neko@example.com>... User Unknown");
    // In a filter's own words, without a code of the host behind it (see the row `filter`).
    "unknown-says-a-filter" Filtered says [
        "addresses had delivery * unknown user", "addresses had delivery * user unknown",
        "addresses had delivery * no such user", "addresses had delivery * user not found",
    ]
        sample says("--- The following addresses had delivery problems --- <neko@example.com> (No such user)");
    "unknown-with-the-code-of-a-known-mailbox" Filtered status ["5.2.0", "5.2.1"]
        says ["unknown user", "user unknown", "no such user", "user not found"]
        sample coded("5.2.0", "550 Unknown user neko@example.com");
    "list-or-group-takes-members-only" Rejected says [
        "not a member of", "not subscribed", "not authorized to send to", "not authorised to send to",
        "you do not have permission to send", "don't have permission to send", "permission to post",
        "not allowed to post", "only members", "members only", "members-only", "closed mailing list",
        "restricted to members", "only subscribers", "subscribers only", "nonmember", "non-member",
        "isn't allowed to send to", "not permitted to send to", "not allowed to send to this",
        "restricted to authenticated senders", "only accepts messages from people in its organization",
        "allowed senders list", "group you tried to contact", "you are not allowed to send",
        "you are not authorized to send", "you may not send", "sender not in allowed",
        "no permission to send", "owner of the list", "moderat",
    ]
        sample says("550 You are not allowed to post to this mailing list");
};

/// The domain does not exist or leads nowhere.
pub(super) const HOST: &[Rule] = rules! {
    "host-unknown-for-now" NetworkError status ["4"] says [
        "host unknown", "unknown host", "host not found", "domain not found", "domain name not found",
        "no such domain", "domain does not exist", "nxdomain", "name or service not known", "no mx",
        "name service error", "hostname lookup fail", "host name lookup fail", "unrouteable address",
        "unroutable address", "dns error", "domain unknown", "unknown domain",
    ]
        sample coded("4.4.3", "451 4.4.3 Host or domain name not found, try again");
    "no-such-host-in-dns" HostUnknown says ["dns lookup failure: host * not found"]
        sample says("DNS lookup failure: host example.invalid not found");
    "host-lookup-failed" NetworkError says [
        "host name lookup fail", "hostname lookup fail", "host not found, try again",
        "host not found, temporary", "temporary failure in name resolution", "dns timeout",
        "name server timeout", "dns lookup fail", "dns server fail", "dns query fail", "dnsqueryfailed",
        "dns server error", "dns error: 2", "servfail", "dns soft error", "transient name server",
        "transient domain", "malformed or unexpected name server reply", "temporary dns", "dns temporary", "unable to look up",
        "name server unreachable", "domain name server", "no nameserver",
        "lowest numbered mx record points to local host", "lame server",
    ]
        sample says("Name server: example.net: DNS server failure, SERVFAIL");
    // Exim of the sender: no route to the domain. Of the receiving host, with a reply code: no such mailbox.
    "unrouteable-said-by-the-host" UserUnknown reply [550, 551, 553, 554] says [
        "unrouteable address", "unroutable address",
    ]
        sample Sample { reply: 550, ..says("550 Unrouteable address") };
    "unrouteable-here" HostUnknown says ["unrouteable address", "unroutable address"]
        sample says("neko@example.com: Unrouteable address");
    "host-unknown" HostUnknown says [
        "no mail host", "server for this recipient could not be found",
        "could not be found in domain name service", "unable to route", "bad destination system",
        "no mx or a", "host unknown", "unknown host", "host not found", "host not exist",
        "host does not exist", "host * does not exist", "host is unknown", "no such host", "invalid host",
        "illegal host", "bad destination host", "non-existent host", "host name not found",
        "hostname not found", "unable to find host", "couldn't find any host", "could not find any host",
        "cannot find host", "can't find host", "couldn't find the host", "host cannot be found",
        "server not found", "server cannot be found", "domain not found", "domain does not exist",
        "domain doesn't exist", "domain * does not exist", "domain * doesn't exist",
        "domain * couldn't be found", "domain couldn't be found", "domain could not be found",
        "domain * not found", "domain must exist", "domain is not reachable", "domain unknown",
        "domain is unknown", "unknown domain", "unknown mail domain", "no such domain", "invalid domain",
        "bad domain", "domain is invalid", "domain is not valid", "domain not valid",
        "domain name is invalid", "domain mentioned not in",
        "mail domain mentioned in email address is unknown", "domain name not found",
        "domain name does not exist", "nonexistent domain", "non-existent domain", "non existent domain",
        "non-existing domain", "nxdomain", "nx domain", "no mx record", "no mx found", "no mx for",
        "no mx host", "mx record not found", "mx lookup", "no usable mx", "no valid mx", "invalid mx",
        "bad mx record", "mx records point", "no mail exchanger", "no mail server", "no a record",
        "no a or mx", "no dns record", "no dns for", "has no mx", "couldn't find a mail server",
        "unable to find mail server", "could not find mail server",
        "we weren't able to find the recipient domain", "recipient's domain is", "unrouteable mail domain",
        "unrouteable domain", "unroutable domain", "unroutable mail domain", "unresolvable domain",
        "unresolvable host", "address does not exist in dns", "dns error: 3",
        "dns error: address resolution", "dns server returned answer with no data",
        "name or service not known", "nodename nor servname", "name service error",
        "domain does not resolve", "does not resolve to", "could not resolve", "cannot resolve",
        "can't resolve", "couldn't resolve", "could not be resolved", "cannot be resolved",
        "despite several tries, i was unable to find", "although i'm listed as a best-preference mx",
        "domain of recipient", "the name was not found at the remote site", "domain is not a registered",
        "domain not registered", "domain has expired", "domain expired", "no route to domain",
        "domain not exists", "domäne * nicht gefunden", "domain wurde nicht gefunden",
        "domain * nicht gefunden", "domain * existiert nicht", "host wurde nicht gefunden",
        "host * nicht gefunden", "unbekannter host", "unbekannte domain", "domaine inconnu",
        "domaine * inconnu", "domaine * n'existe pas", "domaine introuvable", "domaine * introuvable",
        "hôte inconnu", "dominio * no existe", "dominio no existe", "dominio desconocido",
        "dominio * no * encontr", "dominio inexistente", "servidor desconocido", "dominio * non esiste",
        "dominio * inesistente", "dominio sconosciuto", "domínio * não existe", "domínio inexistente",
        "domínio * inexistente", "domínio desconhecido", "domínio * não * encontrado", "domein * niet",
        "onbekend domein", "onbekende host", "domena * nie istnieje", "nieznana domena",
        "домен * не существует", "домен не найден", "домен * не найден", "etki alanı * bulunamadı",
        "alan adı * bulunamadı", "ドメインが見つかりません", "ドメインが存在しません", "ドメイン名が", "存在しないドメイン", "域名不存在", "域名解析",
        "找不到域名", "도메인을 찾을 수", "존재하지 않는 도메인",
    ]
        sample coded("5.4.4", "Host or domain name not found. Name service error for name=neko.example.jp type=MX: Host not found");
    "status-destination-host" HostUnknown status ["5.1.2"]
        sample coded("5.1.2", "550 5.1.2");
};

/// There is no such mailbox.
pub(super) const USER: &[Rule] = rules! {
    "recipient-could-not-be-verified" NetworkError says [
        "unverified address: connect to", "unverified address: lost connection",
        "undeliverable address: connect to", "undeliverable address: lost connection",
    ]
        sample says("550 <neko@example.com>: Recipient address rejected: unverified address: connect to mx.example.com[192.0.2.1]:25: Connection timed out");
    "recipient-not-verified" OnHold status ["4"] says [
        "unverified address", "unverified recipient", "recipient verification", "recipient verify",
        "verification in progress", "could not verify recipient", "recipient callout",
        "callout verification",
    ]
        sample coded("4.1.1", "450 4.1.1 <neko@example.com>: Recipient address rejected: unverified address: Address verification in progress");
    "user-unknown" UserUnknown says [
        "invalid final delivery userid", "user unknown", "unknown user", "user not found",
        "user doesn't exist", "user does not exist", "user not exist", "user dosn't exist",
        "user dosen't exist", "user not known", "user is unknown", "user is not known",
        "user is not found", "user not on file", "user not registered", "user * does not exist",
        "user * doesn't exist", "user * not found", "user * unknown", "user * doesn't have",
        "user * not known", "user * isn't known", "user * not exist", "user * no longer", "user invalid",
        "user is invalid", "user unavailable", "user no longer", "user name not found",
        "user name unknown", "users not found", "user has no mailbox", "user not recognized",
        "user is not a", "user doesn't have", "user does not have", "user is no longer",
        "user cannot be found", "user could not be found", "user not local",
        "user lookup success but no user record", "username unknown", "username not found",
        "username invalid", "no such user", "no user by that name", "no user by that id", "no user known",
        "no user found", "no local user", "not a local user", "not a user", "not our user",
        "is not a known user", "not a valid user", "nosuchuser", "not our customer", "invalid user",
        "non-existent user", "nonexistent user", "non existent user", "nonexisting user",
        "non-existing user", "nonexist user", "bad user", "illegal user", "wrong user",
        "unregistered user", "unable to find user", "could not find user", "cannot find user",
        "can't find user", "couldn't find user", "userunknown", "usernotfound",
    ]
        sample coded("5.1.1", "550 5.1.1 <neko@example.com>: Recipient address rejected: User unknown in virtual mailbox table");
    // RFC 5321, 4.2.3: with 450 the mailbox is busy or blocked for now, with 550 it is not there.
    "mailbox-unavailable-for-now" OnHold reply [4] says [
        "mailbox unavailable", "mailbox not available", "mailbox is unavailable", "mailbox busy",
        "mailbox is busy",
    ]
        sample Sample { reply: 450, ..says("450 Requested mail action not taken: mailbox unavailable") };
    "mailbox-unknown" UserUnknown says [
        "no such mailbox", "no such mail box", "no such inbox", "no mailbox", "no mail box",
        "not a valid mailbox", "not a mailbox", "invalid mailbox", "invalid mail box", "bad mailbox",
        "bad destination mailbox", "wrong mailbox", "mailbox not found", "mailbox not exist",
        "mailbox does not exist", "mailbox doesn't exist", "mailbox unknown", "mailbox invalid",
        "mailbox is invalid", "mailbox is unknown", "mailbox is not known", "mailbox is not found",
        "mailbox not known", "mailbox * not found", "mailbox * does not exist", "mailbox * doesn't exist",
        "mailbox * unknown", "mailbox * not exist", "mailbox unavailable", "mailbox not available",
        "mailbox is unavailable", "mailbox is not available", "mailbox no longer", "mailbox is no longer",
        "mailbox name not allowed", "mailbox name is not allowed", "mailbox cannot be found",
        "mailbox could not be found", "mailbox not valid", "mailbox not here", "mailbox not local",
        "unknown mailbox", "non-existent mailbox", "nonexistent mailbox", "non existent mailbox",
        "non-existing mailbox", "requested mail action not taken: mailbox",
        "local mailbox * is unavailable", "invalid local mailbox", "ismailbox unavailable",
        "mailbox disabled or unknown", "unable to find mailbox", "mail box not found",
        "mail box does not exist", "mailboxnotfound", "not a vpopmail mailbox", "mailbox is not hosted",
        "email box not found", "does not have a mailbox", "doesn't have a mailbox",
    ]
        sample says("511 sorry, no mailbox here by that name (#5.1.1 - chkuser)");
    "account-unknown" UserUnknown says [
        "no such account", "no account by that name", "no account by this name", "no account found",
        "no email account", "no mail account", "account not found", "account does not exist",
        "account doesn't exist", "account * does not exist", "account * doesn't exist",
        "account that you tried to reach does not exist", "account not exist", "account is not exist",
        "account not available", "account not valid", "account invalid", "account is invalid",
        "account unavailable", "account is unavailable", "account unknown", "account is unknown",
        "account could not be found", "account cannot be found", "account not registered",
        "unknown account", "invalid account", "nonexistent account", "non-existent account",
        "non-existing account", "not a valid account", "does not have an account",
        "doesn't have an account", "does not have a * account", "doesn't have a * account",
        "has no account", "dd this user doesn't have",
    ]
        sample says("550 sorry, no account by that name here");
    "recipient-unknown" UserUnknown says [
        "recipient is undeliverable", "destination mailbox unknown", "destination mailbox does not",
        "destination mailbox is", "no such recipient", "no such person", "no such name", "no such party",
        "no such subscriber", "no such customer", "no such alias", "no such id|", "no such employee",
        "no such mail drop", "no such local", "no recipient", "no valid recipient", "no valid rcpt",
        "no valid address", "no known recipient", "recipient unknown", "recipient is unknown",
        "recipient not found", "recipient is not found", "recipient * not found", "recipient * unknown",
        "recipient does not exist", "recipient * does not exist", "recipient doesn't exist",
        "recipient not exist", "recipient * not exist", "recipient no longer", "recipient is no longer",
        "recipient invalid", "recipient is invalid", "recipient is not valid", "recipient not valid",
        "recipient not known", "recipient not recognized", "recipient is not recognized",
        "recipient not accepted", "recipient not available", "recipient unavailable",
        "recipient is unavailable", "recipient is not a valid", "recipient has no mailbox",
        "recipient address not found", "recipient address unknown", "recipient address does not exist",
        "recipient address is invalid", "recipient address * not found",
        "recipient address rejected: user", "recipient address rejected: unknown",
        "recipient address rejected: undeliverable", "recipient address rejected: unverified",
        "recipient address rejected: undelivered", "recipient address rejected: no such",
        "recipient address rejected: mailbox", "recipient address rejected: not found",
        "recipient address rejected: does not exist", "recipient address rejected: address not",
        "recipient cannot be found", "recipient could not be found", "recipient couldn't be found",
        "recipient wasn't found", "recipient verification fail", "recipient verify fail",
        "recipient name is not recognized", "recipients not exist", "recipients unknown",
        "recipients not found", "recipient(s) does not exist", "recipient(s) not", "unknown recipient",
        "invalid recipient", "bad recipient", "illegal recipient", "wrong recipient",
        "nonexistent recipient", "non-existent recipient", "non existent recipient",
        "unroutable recipient", "unrouteable recipient", "undeliverable recipient",
        "not a valid recipient", "not valid recipient", "recipientnotfound", "recipnotfound",
        "notfound; recipient", "recipient not in", "recipient is not local", "unable to find recipient",
        "cannot find recipient", "could not find recipient", "unknown rcpt", "invalid rcpt",
        "rcpt not found", "rcpt does not exist", "rcpt unknown", "destination unknown",
        "destination not found", "unknown destination", "invalid destination", "destination user",
        "destination address does not exist", "destination address unknown", "destination address not",
        "addressee unknown", "addressee not found", "addressee does not exist", "unknown addressee",
        "invalid addressee", "no such addressee",
    ]
        sample says("550 Invalid recipient <neko@example.com> (#5.1.1)");
    "address-unknown" UserUnknown says [
        "bad destination address", "check if address is correct", "check if the address is correct",
        "no such address", "no such email", "no such e-mail", "no such mail address",
        "no address by that name", "address unknown", "address is unknown", "address not found",
        "address not known", "address is not known", "address doesn't exist", "address * does not exist",
        "address * doesn't exist", "address * not found", "address * unknown", "address not exist",
        "address invalid", "address is invalid", "address is not valid", "address not valid",
        "address is not a valid", "address no longer", "address is no longer", "address is not found",
        "address not present", "address not available", "address not recognized",
        "address cannot be found", "address could not be found", "address couldn't be found",
        "address wasn't found", "address you sent your message to wasn't found", "address not listed",
        "address is not listed", "address appears to be invalid", "address nonexistent", "address isn't",
        "address lookup fail", "address was not found", "address * is wrong", "address does not",
        "address error", "address not in", "unknown address", "invalid address", "bad address",
        "wrong address", "nonexistent address", "non-existent address", "non-existing address",
        "illegal address", "unknown email", "unknown e-mail", "invalid email", "invalid e-mail",
        "not a valid email", "not a valid e-mail", "not a valid address", "is not a known address",
        "undeliverable address", "undeliverable to", "email address is not", "email not found",
        "e-mail not found", "email does not exist", "email user does not exist", "emailaddress unknown",
        "unknown local-part", "unknown localpart", "invalid local-part", "local part",
        "unknown or illegal alias", "unknown alias", "alias not found", "alias does not exist",
        "no mapping found", "not found by smtp address lookup", "virtual user table",
        "virtual alias table", "relay recipient table", "local recipient table",
    ]
        sample coded("5.1.1", "550 5.1.1 unknown or illegal alias: neko@example.com");
    "not-in-the-directory" UserUnknown says [
        "not listed in", "not found in * directory", "not in directory", "not in the directory",
        "not found in the name", "not found in nab", "directory lookup", "not found in ldap",
        "no ldap entry", "no entry found", "matching record not found", "no such entry", "not matched in",
        "no match in", "several matches found in domino", "name not found", "unknown person",
        "not on this server", "not known at this site", "not known here", "not known in this",
        "not known to this", "not known to us", "is not known", "isn't known", "does not live here",
        "doesn't live here", "no one here by that name", "no one by that name", "there is no one here",
        "there is no user", "there is no such", "there's no such", "nobody here", "nobody by that name",
        "no person by that name", "no longer here", "no longer with", "no longer works",
        "no longer at this", "no longer employed", "not here anymore", "has left the", "left the company",
    ]
        sample says("neko (neko@example.com) not listed in Domino Directory");
    "no-longer-exists" UserUnknown says [
        "doesn't exist", "does not exist", "do not exist", "did not exist", "doesnt exist", "don't exist",
        "not exists", "is not exist", "no longer exist", "no longer in use", "no longer in service",
        "no longer valid", "no longer available", "no longer on server", "no longer on this server",
        "no longer active", "no longer accepts", "no longer used", "no longer monitored", "is unknown",
        "unknown to us", "unknown at this", "was not found", "wasn't found", "couldn't be found",
        "could not be found", "can't be found", "cannot be found", "we have no", "never logged in",
        "doesn't handle mail for", "not deliverable", "unknown here", "discontinued", "not hosted here",
        "not a recognised", "not a recognized", "is not recognized", "not valid here",
        "is not served here", "is not a local", "invalid: no such",
    ]
        sample says("550 neko@example.com does not exist here");
    "user-unknown-german" UserUnknown says [
        "nicht bekannt", "empfänger ungültig", "ungültiger empfänger", "ungültige empfänger",
        "adresse ungültig", "adresse ist ungültig", "ungültige adresse", "ungültige e-mail",
        "kein postfach", "kein benutzer", "kein solcher", "kein konto", "existiert nicht",
        "nicht vorhanden", "unbekannt", "nicht gefunden", "nicht mehr gültig", "nicht mehr verfügbar",
        "gibt es nicht",
    ]
        sample says("Die E-Mail-Adresse neko@example.com existiert nicht.");
    "user-unknown-romance" UserUnknown says [
        "utilisateur inconnu", "utilisateur * inconnu", "utilisateur inexistant", "destinataire inconnu",
        "destinataire * inconnu", "destinataire inexistant", "destinataire invalide", "adresse inconnue",
        "adresse * inconnue", "adresse inexistante", "adresse * invalide", "adresse invalide",
        "boîte inconnue", "compte inexistant", "n'existe pas", "n'existe plus", "aucun utilisateur",
        "inconnu à cette adresse", "introuvable", "destinataire * invalide", "usuario no encontrado",
        "usuario * no encontrado", "usuario inválido", "el usuario no", "destinatario inválido",
        "destinatario * no se encontr", "dirección no válida", "dirección * no * válida",
        "dirección * no se encontr", "no existe", "no se encontró", "no se ha encontrado",
        "no se pudo encontrar", "no se encuentra", "desconocid", "utente inesistente",
        "destinatario inesistente", "destinatario * inesistente", "destinatario non valido",
        "indirizzo inesistente", "indirizzo * inesistente", "indirizzo non valido",
        "indirizzo * non valido", "casella inesistente", "casella * inesistente", "non esiste",
        "non trovat", "sconosciut", "usuário inválido", "destinatário inválido", "endereço inválido",
        "endereço * inválido", "caixa postal não", "não existe", "nao existe", "não foi encontrad",
        "não encontrad", "desconhecid", "inexistent", "utilizator necunoscut", "nu există",
    ]
        sample says("550 Utilisateur inconnu");
    "user-unknown-other" UserUnknown says [
        "e-mailadres * niet", "ongeldig adres", "ongeldig e-mailadres", "ongeldige ontvanger",
        "bestaat niet", "niet gevonden", "onbekend", "nieznany użytkownik", "użytkownik nieznany",
        "nieznany odbiorca", "nieznany adres", "nie ma takiego", "nie istnieje", "nie znaleziono",
        "nieprawidłowy adres", "нет такого", "несуществующ", "не существует", "не найден", "неизвестен",
        "неизвестн", "неверный адрес", "недействительный адрес", "такого адреса", "такий користувач",
        "не існує", "не знайдено", "kullanıcı yok", "böyle bir kullanıcı", "geçersiz alıcı",
        "geçersiz adres", "bilinmeyen kullanıcı", "bilinmeyen alıcı", "bulunamadı", "mevcut değil",
        "bulunmamaktadır", "neznámý uživatel", "neexistuje", "neznámý příjemce", "ismeretlen",
        "nem létezik", "okänd användare", "okänd mottagare", "finns inte", "findes ikke", "finnes ikke",
        "ukendt bruger", "ukjent bruker", "ukjent mottaker", "tuntematon käyttäjä", "ei löydy",
        "ei ole olemassa", "δεν υπάρχει", "άγνωστος χρήστης", "ne postoji", "ユーザーが見つかりません", "ユーザが見つかりません",
        "宛先不明", "宛先が見つかりません", "アドレスが見つかりません", "存在しません", "存在しない", "存在致しません", "宛先アドレスに誤り", "該当するユーザ",
        "用户未找到", "无此用户", "無此用戶", "無此使用者", "没有此用户", "没有该用户", "查无此人", "查無此人", "未开通", "不存在", "找不到", "无效的收件人",
        "无效地址", "无效用户", "未知用户", "收件人地址错误", "존재하지 않는", "존재하지 않습니다", "없는 사용자", "사용자를 찾을 수", "수신자를 찾을 수",
        "없는 주소", "메일 주소가 없", "ไม่พบผู้ใช้", "ไม่มีผู้ใช้", "không tồn tại", "tidak ditemukan",
        "tidak dikenal", "لا يوجد", "غير موجود", "לא קיים",
    ]
        sample says("550 Нет такого пользователя");
    "no-such-user-at-a-relay" UserUnknown status ["5.1.1"] says [
        "recipient rejected", "rejected recipient", "address rejected", "invalid", "unknown", "not found",
        "unavailable",
    ]
        sample Sample { reply: 550, ..coded("5.1.1", "550 5.1.1 <neko@example.com>: Recipient address rejected: example.com") };
};
