//! What a person does at each provider, and the payload to try it with. A flat table.

/// The way from a provider's settings to our callback.
#[derive(Debug)]
pub struct Setup {
    /// What to click, one step a line.
    pub steps: &'static [&'static str],
    /// The events to switch on, as the provider names them.
    pub events: &'static [&'static str],
    /// What to put into outgoing mails, so that a report names its send.
    pub metadata: &'static [&'static str],
    /// Keys of `[provider.NAME]` with what goes there.
    pub keys: &'static [&'static str],
    /// What stands where in the URL, after the callback's own.
    pub secret_in: SecretIn,
    /// What else there is to know.
    pub notes: &'static [&'static str],
    /// A payload as the provider sends it: body, or query where it calls with GET.
    pub sample: &'static str,
}

/// How a provider without a signature is given a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretIn {
    /// It signs; none is needed.
    Nowhere,
    /// User and password before the host.
    Login,
    /// After the path.
    Path,
}

const OWN_HEADER: &str =
    "X-Bouncekit-Send: HASH as a header of the mail (`bouncekit sends:headers` writes it)";

pub(super) const AMAZON_SES: Setup = Setup {
    steps: &[
        "Amazon SNS, Topics, Create topic: type Standard",
        "at the topic: Create subscription, protocol HTTPS, endpoint the URL above, raw message delivery off",
        "Amazon SES, Configuration sets, your set, Event destinations: add the topic (or: Verified identities, Notifications, Feedback notifications: the topic for bounces and complaints, with original headers)",
        "the subscription stays pending until it is confirmed: `bouncekit webhook:replay --spool` says how, or does it with `confirm = \"auto\"`",
    ],
    events: &["Bounces", "Complaints", "Subscriptions"],
    metadata: &[
        "the original headers in the notification (\"Include original headers\"), or VERP in the Return-Path",
        OWN_HEADER,
    ],
    keys: &[
        "topics = [\"arn:aws:sns:REGION:ACCOUNT:NAME\"]   # the ARN of the topic; without it nothing is believed",
        "certificates = \"certificates\"                   # folder for SNS signing certificates, by their file name",
        "fetch_certificates = true                       # or let `webhook:replay` fetch them from Amazon",
    ],
    secret_in: SecretIn::Nowhere,
    notes: &[
        "Amazon signs by certificate: there is no key to copy, the topic's ARN is what tells your messages from others'",
    ],
    sample: r#"{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"bounce@simulator.amazonses.com","status":"5.1.1","action":"failed","diagnosticCode":"smtp; 550 5.1.1 user unknown"}],"timestamp":"2026-01-01T00:00:00.000Z","feedbackId":"bouncekit-webhook-test"},"mail":{"timestamp":"2026-01-01T00:00:00.000Z","messageId":"bouncekit-webhook-test","source":"news@example.com","destination":["bounce@simulator.amazonses.com"]}}"#,
};

pub(super) const ELASTICEMAIL: Setup = Setup {
    steps: &[
        "Settings, Notifications (Webhooks), Add webhook: the URL above",
        "make a secret with `openssl rand -hex 16` and write it at the end of the URL, in place of SECRET",
    ],
    events: &["Unsubscribed", "Complaints (AbuseReport)", "Bounce/Error"],
    metadata: &[
        "X-ElasticEmail-Postback: HASH as a header of the mail (postback headers must be switched on)",
    ],
    keys: &["secret = { file = \"elasticemail.secret\" }   # the secret in the URL"],
    secret_in: SecretIn::Path,
    notes: &[
        "Elastic Email does not sign: the secret in the URL is the only proof; do not log query strings and paths of it",
    ],
    sample: "transaction=bouncekit-webhook-test&to=example%40test.com&from=news%40example.com&date=1%2F1%2F2026+12%3A00%3A00+AM&subject=test&status=Error&category=NoMailbox&messageid=bouncekit-webhook-test",
};

pub(super) const MAILJET: Setup = Setup {
    steps: &[
        "Account settings, Event notifications (triggers): the URL above at each event, \"Group events\" on",
        "choose user and password yourself and write them into the URL before the host",
    ],
    events: &["Bounce", "Blocked", "Spam", "Unsub"],
    metadata: &[
        "Mj-CustomID: HASH-ADDRESS (or CustomID in the API): the send's hash, a hyphen, the recipient's address",
    ],
    keys: &[
        "user = \"USER\"                               # as in the URL",
        "password = { file = \"mailjet.password\" }    # as in the URL",
    ],
    secret_in: SecretIn::Login,
    notes: &[
        "Mailjet does not sign; its test button has been seen to leave out the login and is then answered with 403",
    ],
    sample: r#"[{"event":"bounce","time":1767225600,"MessageID":19421777835146490,"email":"example@test.com","mj_campaign_id":0,"mj_contact_id":0,"customcampaign":"","blocked":false,"hard_bounce":true,"error_related_to":"recipient","error":"user unknown","CustomID":"","Payload":""}]"#,
};

pub(super) const MANDRILL: Setup = Setup {
    steps: &[
        "Settings, Webhooks, Add a webhook: the URL above; it is checked at once, so the web server must answer already",
        "the URL here and there must be the same to the last slash: it is part of the signature",
    ],
    events: &[
        "Message is hard-bounced",
        "Message is soft-bounced",
        "Message is marked as spam",
        "Message recipient unsubscribes",
        "Message is rejected",
    ],
    metadata: &[
        "X-MC-Metadata: {\"hashId\": \"HASH\", \"contactId\": \"ID\", \"emailId\": \"ID\"} (or `metadata`, per recipient `recipient_metadata`, in the API)",
        OWN_HEADER,
    ],
    keys: &["key = { file = \"mandrill.key\" }   # Settings, Webhooks, the key beside the URL"],
    secret_in: SecretIn::Nowhere,
    notes: &[
        "the test of a new URL is signed with the key `test-webhook`; it is accepted while it holds no event",
    ],
    sample: "mandrill_events=%5B%7B%22event%22%3A%22hard_bounce%22%2C%22_id%22%3A%22exampleaaaaaaaaaaaaaaaaaaaaaaaaaa%22%2C%22ts%22%3A1767225600%2C%22msg%22%3A%7B%22ts%22%3A1767225600%2C%22_id%22%3A%22exampleaaaaaaaaaaaaaaaaaaaaaaaaaa%22%2C%22state%22%3A%22bounced%22%2C%22email%22%3A%22example.webhook%40mandrillapp.com%22%2C%22bounce_description%22%3A%22bad_mailbox%22%2C%22diag%22%3A%22smtp%3B550+5.1.1+user+unknown%22%2C%22metadata%22%3A%5B%5D%7D%7D%5D",
};

pub(super) const SENDGRID: Setup = Setup {
    steps: &[
        "Settings, Mail Settings, Event Webhook (Event Webhooks): Post URL the URL above",
        "Security features, Signed Event Webhook: enable it, and save before the key is copied",
    ],
    events: &[
        "Dropped",
        "Bounced",
        "Spam Reports",
        "Unsubscribes",
        "Group Unsubscribes",
    ],
    metadata: &[
        "X-SMTPAPI: {\"unique_args\": {\"hashId\": \"HASH\", \"emailId\": \"ID\"}} (or `custom_args` in the API)",
        OWN_HEADER,
    ],
    keys: &["public_key = \"MFkw...\"   # Signed Event Webhook, Verification key"],
    secret_in: SecretIn::Nowhere,
    notes: &["bounces that come back later carry no arguments: the address alone must name them"],
    sample: "[{\"email\":\"example@test.com\",\"timestamp\":1767225600,\"smtp-id\":\"<14c5d75ce93.dfd.64b469@ismtpd-555>\",\"event\":\"bounce\",\"category\":[\"cat facts\"],\"sg_event_id\":\"bouncekit-webhook-test\",\"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\",\"reason\":\"500 unknown recipient\",\"status\":\"5.0.0\",\"type\":\"bounce\"}]\r\n",
};

pub(super) const SPARKPOST: Setup = Setup {
    steps: &[
        "Configuration, Webhooks, Create webhook: the URL above",
        "Authentication: Basic Auth with a user and password of your choice",
    ],
    events: &[
        "Bounce",
        "Out of Band",
        "Spam Complaint",
        "Policy Rejection",
        "List Unsubscribe",
        "Link Unsubscribe",
    ],
    metadata: &[
        "X-MSYS-API: {\"metadata\": {\"hashId\": \"HASH\", \"emailId\": \"ID\"}} (or `metadata` of the recipient in the API)",
        OWN_HEADER,
    ],
    keys: &[
        "user = \"USER\"                                 # as at SparkPost",
        "password = { file = \"sparkpost.password\" }    # as at SparkPost",
    ],
    secret_in: SecretIn::Nowhere,
    notes: &[
        "SparkPost does not sign; an older webhook with a token instead of a login is proven with `token`",
    ],
    sample: r#"[{"msys":{"message_event":{"type":"bounce","event_id":"bouncekit-webhook-test","timestamp":"1767225600","rcpt_to":"example@test.com","bounce_class":"10","error_code":"550","raw_reason":"550 5.1.1 user unknown","rcpt_meta":{},"transmission_id":"0"}}}]"#,
};
