//! The operators of the filter language.

/// A test; `!=`, `not in` and the like are the negation of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    In,
    Like,
    Starts,
    Ends,
    Contains,
    Matches,
    Empty,
}

impl Operator {
    pub const ALL: &[Self] = &[
        Self::Equal,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Between,
        Self::In,
        Self::Like,
        Self::Starts,
        Self::Ends,
        Self::Contains,
        Self::Matches,
        Self::Empty,
    ];

    /// How it is written, plain or negated.
    pub const fn text(self, negated: bool) -> &'static str {
        match (self, negated) {
            (Self::Equal, false) => "=",
            (Self::Equal, true) => "!=",
            // The negation of an order is written as `not name < value`.
            (Self::Less, _) => "<",
            (Self::LessOrEqual, _) => "<=",
            (Self::Greater, _) => ">",
            (Self::GreaterOrEqual, _) => ">=",
            (Self::Between, false) => "between",
            (Self::Between, true) => "not between",
            (Self::In, false) => "in",
            (Self::In, true) => "not in",
            (Self::Like, false) => "like",
            (Self::Like, true) => "not like",
            (Self::Starts, false) => "starts",
            (Self::Starts, true) => "not starts",
            (Self::Ends, false) => "ends",
            (Self::Ends, true) => "not ends",
            (Self::Contains, false) => "contains",
            (Self::Contains, true) => "not contains",
            (Self::Matches, false) => "matches",
            (Self::Matches, true) => "not matches",
            (Self::Empty, false) => "is empty",
            (Self::Empty, true) => "is not empty",
        }
    }

    /// Whether it has a negated form of its own.
    pub const fn is_order(self) -> bool {
        matches!(
            self,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual
        )
    }
}
