//! The table of filters: name, value type, operators, SQL, documentation. A new filter is a new row.
//!
//! In the SQL fragments `c` is the contact, `d` a do-not-contact row that counts now, `e` an event,
//! `s` a send of the contact's address. Fragments are fixed text; what people write is only ever
//! bound as a parameter.

use super::operator::Operator::{
    self, Between, Contains, Empty, Ends, Equal, Greater, GreaterOrEqual, In, Less, LessOrEqual,
    Like, Matches, Starts,
};
use crate::{
    classify::{Fault, Permanence, Reason},
    suppression::Grounds,
};

/// A row of [`FILTERS`].
#[derive(Debug)]
pub struct Filter {
    pub name: &'static str,
    pub value: ValueType,
    pub operators: &'static [Operator],
    pub measure: Measure,
    pub doc: &'static str,
    pub example: &'static str,
}

impl PartialEq for Filter {
    /// Names are unique.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Filter {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FILTERS
            .iter()
            .find(|filter| filter.name.eq_ignore_ascii_case(name))
    }

    /// Whether it may be limited to a time: `name within 30d ...`.
    pub const fn has_window(&self) -> bool {
        matches!(self.measure.table(), Table::Event | Table::Send)
            && !matches!(self.measure, Measure::First { .. } | Measure::Last { .. })
    }
}

/// What a filter is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Yes or no.
    Flag,
    /// Upper and lower case are the same.
    Text,
    /// Text that is stored in lower case.
    LowerText,
    /// A domain; international ones in either spelling.
    Domain,
    Word(Words),
    Number,
    /// Points in time, days, or distances from now.
    Date,
    /// The name of a segment.
    Segment,
    /// Decided by how the value is written.
    Attribute,
}

impl ValueType {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flag => "yes/no",
            Self::Text | Self::LowerText | Self::Domain => "text",
            Self::Word(_) => "word",
            Self::Number => "number",
            Self::Date => "date",
            Self::Segment => "segment",
            Self::Attribute => "any",
        }
    }
}

/// Closed sets of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    Reason,
    Fault,
    Permanence,
    Grounds,
}

impl Words {
    pub fn all(self) -> Vec<&'static str> {
        match self {
            Self::Reason => Reason::ALL.iter().map(|word| word.name()).collect(),
            Self::Fault => Fault::ALL.iter().map(|word| word.name()).collect(),
            Self::Permanence => vec![Permanence::Hard.name(), Permanence::Soft.name()],
            Self::Grounds => Grounds::ALL.iter().map(|word| word.name()).collect(),
        }
    }
}

/// Where a filter looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    Contact,
    /// do_not_contact, rows that have not expired.
    Listed,
    Event,
    /// The points of the address, by day.
    Points,
    Send,
    Member,
}

/// What is measured, in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A column of the contact.
    Column(&'static str),
    /// An attribute of the contact.
    Attribute,
    /// Whether any row of the table meets the condition.
    Exists {
        table: Table,
        rows: &'static str,
    },
    /// Whether no row does.
    Lacks {
        table: Table,
        rows: &'static str,
    },
    /// Whether any row that meets the condition has the value.
    Any {
        table: Table,
        rows: &'static str,
        value: &'static str,
    },
    /// How many rows meet the condition.
    Count {
        table: Table,
        rows: &'static str,
    },
    /// The earliest time among the rows that meet the condition.
    First {
        table: Table,
        rows: &'static str,
        value: &'static str,
    },
    /// The latest.
    Last {
        table: Table,
        rows: &'static str,
        value: &'static str,
    },
    /// The points of the policy.
    Points,
    Member,
}

impl Measure {
    pub const fn table(self) -> Table {
        match self {
            Self::Column(_) | Self::Attribute => Table::Contact,
            Self::Exists { table, .. }
            | Self::Lacks { table, .. }
            | Self::Any { table, .. }
            | Self::Count { table, .. }
            | Self::First { table, .. }
            | Self::Last { table, .. } => table,
            Self::Points => Table::Points,
            Self::Member => Table::Member,
        }
    }
}

const FLAG: &[Operator] = &[Equal];
const TEXT: &[Operator] = &[Equal, In, Like, Starts, Ends, Contains, Matches, Empty];
const WORD: &[Operator] = &[Equal, In];
const NUMBER: &[Operator] = &[
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    In,
];
const DATE: &[Operator] = &[
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    Empty,
];

/// Of `contact.NAME`, which is written with the name of the attribute.
pub const ATTRIBUTE: Filter = Filter {
    name: "contact.NAME",
    value: ValueType::Attribute,
    operators: Operator::ALL,
    measure: Measure::Attribute,
    doc: "an attribute of the contact; also NAME alone, where a contact has it and no filter is \
          called so. Numbers, dates and yes/no compare as such, quoted values as text",
    example: "contact.city = 'Graz'",
};

const fn flag(
    name: &'static str,
    table: Table,
    rows: &'static str,
    doc: &'static str,
    example: &'static str,
) -> Filter {
    Filter {
        name,
        value: ValueType::Flag,
        operators: FLAG,
        measure: Measure::Exists { table, rows },
        doc,
        example,
    }
}

const fn column(
    name: &'static str,
    value: ValueType,
    operators: &'static [Operator],
    sql: &'static str,
    doc: &'static str,
    example: &'static str,
) -> Filter {
    Filter {
        name,
        value,
        operators,
        measure: Measure::Column(sql),
        doc,
        example,
    }
}

const fn any(
    name: &'static str,
    value: ValueType,
    operators: &'static [Operator],
    [rows, sql]: [&'static str; 2],
    doc: &'static str,
    example: &'static str,
) -> Filter {
    Filter {
        name,
        value,
        operators,
        measure: Measure::Any {
            table: Table::Event,
            rows,
            value: sql,
        },
        doc,
        example,
    }
}

const fn count(
    name: &'static str,
    rows: &'static str,
    doc: &'static str,
    example: &'static str,
) -> Filter {
    Filter {
        name,
        value: ValueType::Number,
        operators: NUMBER,
        measure: Measure::Count {
            table: Table::Event,
            rows,
        },
        doc,
        example,
    }
}

const fn date(
    name: &'static str,
    measure: Measure,
    doc: &'static str,
    example: &'static str,
) -> Filter {
    Filter {
        name,
        value: ValueType::Date,
        operators: DATE,
        measure,
        doc,
        example,
    }
}

const fn first(rows: &'static str) -> Measure {
    Measure::First {
        table: Table::Event,
        rows,
        value: "e.occurred_at",
    }
}

const fn last(rows: &'static str) -> Measure {
    Measure::Last {
        table: Table::Event,
        rows,
        value: "e.occurred_at",
    }
}

const BOUNCE: &str = "e.kind = 'bounce'";
const HARD: &str = "e.kind = 'bounce' AND e.permanence = 'hard'";
const SOFT: &str = "e.kind = 'bounce' AND e.permanence = 'soft'";
const COMPLAINT: &str = "e.kind = 'complaint'";
const UNSUBSCRIBE: &str = "e.kind = 'unsubscribe'";
const REPLY: &str = "e.kind = 'reply'";
const DELIVERED: &str = "e.kind = 'delivered'";
/// What came back, not what people or the program noted.
const REPORTED: &str = "e.kind NOT IN ('release', 'manual')";

/// Every filter, in the order in which `segments:filters` shows them.
#[rustfmt::skip]
pub const FILTERS: &[Filter] = &[
    flag("bounced", Table::Listed, "d.reason = 'bounce'",
        "on the do-not-contact list because mails bounced", "bounced = yes"),
    flag("unsubscribed", Table::Listed, "d.reason = 'unsubscribe'",
        "on the do-not-contact list because of an unsubscribe", "not unsubscribed"),
    flag("complained", Table::Listed, "d.reason = 'complaint'",
        "on the do-not-contact list because of a complaint", "complained = yes"),
    Filter { name: "contactable", value: ValueType::Flag, operators: FLAG,
        measure: Measure::Lacks { table: Table::Listed, rows: "TRUE" },
        doc: "not on the do-not-contact list for any reason", example: "contactable and replies > 0" },
    Filter { name: "listed_for", value: ValueType::Word(Words::Grounds), operators: WORD,
        measure: Measure::Any { table: Table::Listed, rows: "TRUE", value: "d.reason" },
        doc: "on the do-not-contact list for this reason", example: "listed_for in (manual, complaint)" },
    Filter { name: "listed_detail", value: ValueType::Word(Words::Reason), operators: WORD,
        measure: Measure::Any { table: Table::Listed, rows: "d.reason = 'bounce'", value: "d.detail" },
        doc: "on the do-not-contact list for a bounce of this reason", example: "listed_detail = mailbox_full" },
    date("listed_since", Measure::First { table: Table::Listed, rows: "TRUE", value: "d.since" },
        "since when on the do-not-contact list", "listed_since < -90d"),
    date("listed_until", Measure::Last { table: Table::Listed, rows: "TRUE", value: "d.expires_at" },
        "when the do-not-contact row ends, if it does", "listed_until < +7d"),

    column("address", ValueType::LowerText, TEXT, "c.address_key",
        "the address, in lower case, its domain in ASCII", "address starts 'info@'"),
    column("domain", ValueType::Domain, TEXT, "c.domain",
        "the domain of the address", "domain in (example.com, example.org)"),
    column("external_id", ValueType::Text, TEXT, "c.external_id",
        "the id of the contact where it came from", "external_id is empty"),
    column("id", ValueType::Number, NUMBER, "c.id",
        "the number of the contact in this database", "id between 1 and 1000"),
    column("created", ValueType::Date, DATE, "c.created_at",
        "when the contact was imported first", "created > -7d"),
    column("changed", ValueType::Date, DATE, "c.changed_at",
        "when the contact was changed last", "changed = today"),

    any("bounce_reason", ValueType::Word(Words::Reason), WORD, [BOUNCE, "e.reason"],
        "a bounce of this reason came", "bounce_reason within 30d = mailbox_full"),
    any("bounce_fault", ValueType::Word(Words::Fault), WORD, [BOUNCE, "e.reason"],
        "a bounce came that was the fault of this party", "bounce_fault = sender"),
    any("bounce_permanence", ValueType::Word(Words::Permanence), WORD, [BOUNCE, "e.permanence"],
        "a hard or soft bounce came", "bounce_permanence = hard"),
    any("bounce_rule", ValueType::Text, TEXT, [BOUNCE, "e.rule"],
        "a bounce was judged by this rule", "bounce_rule = 'status-5.1.1'"),
    any("bounce_status", ValueType::Text, TEXT, [BOUNCE, "e.status"],
        "a bounce had this enhanced status code", "bounce_status starts 4."),
    any("bounce_code", ValueType::Number, NUMBER, [BOUNCE, "e.reply_code"],
        "a bounce had this SMTP reply code", "bounce_code between 500 and 599"),
    any("diagnostic", ValueType::Text, TEXT, [BOUNCE, "e.diagnostic"],
        "what a receiving host said", "diagnostic contains 'over quota'"),
    any("receiving_host", ValueType::LowerText, TEXT, [BOUNCE, "e.receiving_host"],
        "the host that refused, or the domain where none is named", "receiving_host ends '.outlook.com'"),
    any("bounce_email", ValueType::Text, TEXT,
        [BOUNCE, "(SELECT b.email_id FROM send b WHERE b.hash = e.send_hash)"],
        "this campaign e-mail bounced", "bounce_email = 42"),
    any("provider", ValueType::Text, TEXT, [REPORTED, "e.source"],
        "who reported something: a provider, or mail for mailboxes", "provider = sendgrid"),

    count("bounces", BOUNCE, "how many bounces", "bounces within 90d >= 5"),
    count("hard_bounces", HARD, "how many hard bounces", "hard_bounces > 0"),
    count("soft_bounces", SOFT, "how many soft bounces", "soft_bounces within 30d >= 3"),
    count("complaints", COMPLAINT, "how many complaints", "complaints > 1"),
    count("unsubscribes", UNSUBSCRIBE, "how many unsubscribes", "unsubscribes > 0"),
    count("replies", REPLY, "how many replies", "replies within 365d > 0"),
    count("auto_replies", "e.kind = 'auto_reply'", "how many auto-replies", "auto_replies within 14d > 0"),
    count("deliveries", DELIVERED, "how many reported deliveries", "deliveries within 90d = 0"),
    count("delays", "e.kind = 'delayed'", "how many reported delays", "delays within 7d >= 3"),
    count("events", REPORTED, "how many events of any kind", "events = 0"),
    flag("replied", Table::Event, REPLY, "whether a reply came", "replied within 365d"),

    date("first_bounce", first(BOUNCE), "when the first bounce came", "first_bounce < 2026-01-01"),
    date("last_bounce", last(BOUNCE), "when the last bounce came", "last_bounce > -30d"),
    date("last_hard_bounce", last(HARD), "when the last hard bounce came", "last_hard_bounce > -7d"),
    date("last_soft_bounce", last(SOFT), "when the last soft bounce came", "last_soft_bounce is not empty"),
    date("last_complaint", last(COMPLAINT), "when the last complaint came", "last_complaint > -90d"),
    date("last_unsubscribe", last(UNSUBSCRIBE), "when the last unsubscribe came", "last_unsubscribe = yesterday"),
    date("last_reply", last(REPLY), "when the last reply came", "last_reply > -365d"),
    date("last_delivery", last(DELIVERED), "when the last delivery was reported", "last_delivery < -90d"),
    date("last_event", last(REPORTED), "when anything came back last", "last_event < -180d"),

    Filter { name: "score", value: ValueType::Number, operators: NUMBER, measure: Measure::Points,
        doc: "points of the policy within its window, as they stand now", example: "score >= 3" },

    Filter { name: "sends", value: ValueType::Number, operators: NUMBER,
        measure: Measure::Count { table: Table::Send, rows: "TRUE" },
        doc: "how many mails were sent to the address", example: "sends within 30d > 10" },
    Filter { name: "sent_email", value: ValueType::Text, operators: TEXT,
        measure: Measure::Any { table: Table::Send, rows: "TRUE", value: "s.email_id" },
        doc: "this campaign e-mail was sent to the address", example: "sent_email = 42 and not bounced" },
    date("last_sent", Measure::Last { table: Table::Send, rows: "TRUE", value: "s.sent_at" },
        "when a mail was sent to the address last", "last_sent < -180d"),
    flag("opened", Table::Send, "s.opened_at IS NOT NULL",
        "whether a mail that was sent to the address was opened, as far as sends:import was told", "opened within 90d"),
    date("last_opened", Measure::Last { table: Table::Send, rows: "TRUE", value: "s.opened_at" },
        "when a mail to the address was first opened, of all mails the latest", "last_opened < -365d"),

    Filter { name: "segment", value: ValueType::Segment, operators: WORD, measure: Measure::Member,
        doc: "member of another segment", example: "segment = 'Customers' and bounced" },
];
