//! The filter `score`: the points of the policy as SQL.

use super::{
    compile::{NOT_UNDONE, Terms},
    sql::{Bound, Sql},
};
use crate::{
    classify::{Permanence, Reason},
    suppression::{Action, Healing, Rules, Scope},
    time::DAY,
};

/// The points of the policy: per day the highest of the bounces since the last healing event,
/// within the window. Each event is judged by the rules of the override that it falls under.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Points {
    /// The overrides in their order, then the rules for everything else.
    rules: Vec<Scoring>,
    undone: bool,
}

/// What rules give points for.
#[derive(Clone, Debug, PartialEq)]
struct Scoring {
    scope: Option<Scope>,
    since: i64,
    /// Which reasons score how much, by permanence.
    scores: Vec<(u32, Permanence, Vec<Reason>)>,
    heal: Vec<&'static str>,
}

impl Scoring {
    fn of(scope: Option<&Scope>, rules: &Rules, now: i64) -> Self {
        let mut scores: Vec<(u32, Permanence, Vec<Reason>)> = Vec::new();
        for permanence in [Permanence::Hard, Permanence::Soft] {
            for reason in Reason::ALL {
                let Action::Score { points, .. } = rules.action(*reason, permanence) else {
                    continue;
                };
                match scores
                    .iter_mut()
                    .find(|(known, of, _)| (*known, *of) == (points, permanence))
                {
                    Some((_, _, reasons)) => reasons.push(*reason),
                    None => scores.push((points, permanence, vec![*reason])),
                }
            }
        }
        let heal = rules.heal.iter().map(|healing| match healing {
            Healing::Delivered => "delivered",
            Healing::Reply => "reply",
        });
        Self {
            scope: scope.cloned(),
            since: now.saturating_sub(rules.window),
            scores,
            heal: heal.collect(),
        }
    }

    /// The points of the event `e`.
    fn points(&self, sql: &mut Sql) {
        if self.scores.is_empty() {
            sql.push("0");
            return;
        }
        sql.push("CASE");
        for (points, permanence, reasons) in &self.scores {
            sql.push(" WHEN e.permanence = ")
                .bind(permanence.name())
                .push(" AND e.reason IN (")
                .bind_all(reasons.iter().map(|reason| Bound::from(reason.name())))
                .push(") THEN ")
                .bind(i64::from(*points));
        }
        sql.push(" ELSE 0 END");
    }

    /// Whether the event `h` makes earlier points forgotten.
    fn heals(&self, sql: &mut Sql) {
        if self.heal.is_empty() {
            sql.push("FALSE");
        } else {
            sql.push("h.kind IN (")
                .bind_all(self.heal.iter().map(|kind| Bound::from(*kind)))
                .push(")");
        }
    }
}

impl Points {
    pub(super) fn of(terms: &Terms<'_>) -> Self {
        let now = terms.now.0;
        let policy = terms.policy;
        let overrides = policy.overrides();
        let mut rules: Vec<Scoring> = overrides
            .map(|(scope, rules)| Scoring::of(Some(scope), rules, now))
            .collect();
        rules.push(Scoring::of(None, policy.base(), now));
        Self {
            rules,
            undone: terms.undone_runs > 0,
        }
    }

    pub(super) fn write(&self, sql: &mut Sql, restriction: &Sql) {
        sql.push("(SELECT e.address_key, max(");
        self.by_scope(sql, "e", Scoring::points);
        sql.push(") AS points FROM event e WHERE e.address_key ")
            .append(restriction)
            .push(" AND e.kind = 'bounce' AND e.occurred_at > ");
        // Between parameters alone PostgreSQL takes a CASE for text.
        self.by_scope(sql, "e", |rules, sql| {
            sql.push("CAST(").bind(rules.since).push(" AS BIGINT)");
        });
        if self.undone {
            sql.push(NOT_UNDONE);
        }
        if self.rules.iter().any(|rules| !rules.heal.is_empty()) {
            sql.push(
                " AND NOT EXISTS (SELECT 1 FROM event h WHERE h.address_key = e.address_key
                   AND h.occurred_at > e.occurred_at AND ",
            );
            self.by_scope(sql, "h", Scoring::heals);
            if self.undone {
                sql.push(&NOT_UNDONE.replace("e.key", "h.key"));
            }
            sql.push(")");
        }
        sql.push(" GROUP BY e.address_key, e.occurred_at / ")
            .bind(DAY)
            .push(") p WHERE TRUE");
    }

    /// What the rules say that hold for the event `row`.
    fn by_scope(&self, sql: &mut Sql, row: &str, say: impl Fn(&Scoring, &mut Sql)) {
        if let [all] = &self.rules[..] {
            return say(all, sql);
        }
        sql.push("(CASE");
        for rules in &self.rules {
            if let Some(scope) = &rules.scope {
                sql.push(" WHEN ");
                contains(scope, sql, row);
                sql.push(" THEN ");
            } else {
                sql.push(" ELSE ");
            }
            say(rules, sql);
        }
        sql.push(" END)");
    }
}

/// Whether an override is for the event `row`; the same as its `Scope` says.
fn contains(scope: &Scope, sql: &mut Sql, row: &str) {
    let mut first = true;
    let mut within = |sql: &mut Sql, column: &str, before: &[&str], names: &[String]| {
        if names.is_empty() {
            return;
        }
        sql.push(if first { "(" } else { " AND (" });
        first = false;
        for (index, name) in names.iter().enumerate() {
            if index > 0 {
                sql.push(" OR ");
            }
            sql.push(&format!("{row}.{column} = ")).bind(name.as_str());
            for before in before {
                let length = i64::try_from(name.chars().count() + before.len());
                // From the end: a negative place means that to SQLite alone.
                sql.push(&format!(
                    " OR substr({row}.{column}, length({row}.{column}) + "
                ))
                .bind(1 - length.unwrap_or(i64::from(i32::MAX)))
                .push(") = ")
                .bind(format!("{before}{name}").as_str());
            }
        }
        sql.push(")");
    };
    within(sql, "address_key", &["@", "."], scope.domains());
    within(sql, "receiving_host", &["."], scope.receiving_hosts());
    if !scope.campaigns().is_empty() {
        sql.push(if first { "" } else { " AND " })
            .push(&format!(
                "EXISTS (SELECT 1 FROM send o WHERE o.hash = {row}.send_hash AND o.email_id IN ("
            ))
            .bind_all(scope.campaigns().iter().map(|id| Bound::from(id.as_str())))
            .push("))");
    }
}
