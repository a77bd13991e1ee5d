//! The `[policy]` table: presets, actions by reason, and exceptions for some addresses or mailings.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Action, Grounds,
    action::{self, ActionText},
};
use crate::{
    classify::{Permanence, Reason},
    event::EventKind,
    time::DAY,
};

/// Named starting points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Hard recipient failures suppress at once, soft ones score, sender-side ones never hurt.
    #[default]
    Standard,
    /// Every recognised bounce suppresses; a complaint is stored as an unsubscribe.
    Mautic,
}

/// What proves that an address works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Healing {
    Delivered,
    Reply,
}

/// What holds for one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    pub preset: Preset,
    /// Points at which a scored address is suppressed.
    pub threshold: u32,
    /// Points are counted within this time, in milliseconds.
    pub window: i64,
    /// Events that make earlier points forgotten.
    pub heal: Vec<Healing>,
    /// Exceptions from the preset, by reason.
    pub reasons: BTreeMap<Reason, ActionText>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            preset: Preset::Standard,
            threshold: 5,
            window: 30 * DAY,
            heal: vec![Healing::Delivered, Healing::Reply],
            reasons: BTreeMap::new(),
        }
    }
}

/// Which events an override is for: each list that is given must name the event's value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    domains: Vec<String>,
    campaigns: Vec<String>,
    receiving_hosts: Vec<String>,
}

/// What a scope is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The domain of the address charged.
    pub domain: &'a str,
    /// The campaign e-mail of its send; empty where it is not known.
    pub campaign: &'a str,
    pub receiving_host: &'a str,
}

impl Scope {
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    pub fn campaigns(&self) -> &[String] {
        &self.campaigns
    }

    pub fn receiving_hosts(&self) -> &[String] {
        &self.receiving_hosts
    }

    fn contains(&self, subject: Subject<'_>) -> bool {
        let names = |list: &[String], value: &str, same: fn(&str, &str) -> bool| {
            list.is_empty() || list.iter().any(|name| same(name, value))
        };
        names(&self.domains, subject.domain, within)
            && names(&self.campaigns, subject.campaign, |a, b| a == b)
            && names(&self.receiving_hosts, subject.receiving_host, within)
    }
}

/// Whether `host` is the domain `name` or below it.
pub fn within(name: &str, host: &str) -> bool {
    host.strip_suffix(name)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The whole table: rules for everything, and overrides of which the first that fits holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Keys")]
pub struct Policy {
    base: Rules,
    overrides: Vec<(Scope, Rules)>,
}

/// The keys of `[policy]` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    preset: Option<Preset>,
    threshold: Option<u32>,
    #[serde(default, deserialize_with = "action::span")]
    window: Option<i64>,
    heal: Option<Vec<Healing>>,
    #[serde(default)]
    reasons: BTreeMap<Reason, ActionText>,
    #[serde(default)]
    r#override: Vec<OverrideKeys>,
}

/// The keys of `[[policy.override]]`: what is not given is as in `[policy]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OverrideKeys {
    #[serde(default)]
    domains: Vec<String>,
    #[serde(default)]
    campaigns: Vec<String>,
    #[serde(default)]
    receiving_hosts: Vec<String>,
    preset: Option<Preset>,
    threshold: Option<u32>,
    #[serde(default, deserialize_with = "action::span")]
    window: Option<i64>,
    heal: Option<Vec<Healing>>,
    #[serde(default)]
    reasons: BTreeMap<Reason, ActionText>,
}

impl TryFrom<Keys> for Policy {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Self, String> {
        let default = Rules::default();
        let base = Rules {
            preset: keys.preset.unwrap_or_default(),
            threshold: keys.threshold.unwrap_or(default.threshold),
            window: keys.window.unwrap_or(default.window),
            heal: keys.heal.unwrap_or(default.heal),
            reasons: keys.reasons,
        };
        sensible(&base)?;
        let mut overrides = Vec::new();
        for each in keys.r#override {
            let ascii = |names: Vec<String>| {
                let ascii = |name: String| {
                    let name = name.trim_start_matches("*.").trim_start_matches('@');
                    idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_lowercase())
                };
                names.into_iter().map(ascii).collect()
            };
            let scope = Scope {
                domains: ascii(each.domains),
                campaigns: each.campaigns,
                receiving_hosts: ascii(each.receiving_hosts),
            };
            if scope == Scope::default() {
                return Err(
                    "an override must say for what it is: `domains`, `campaigns` or \
                     `receiving_hosts`"
                        .into(),
                );
            }
            let mut reasons = base.reasons.clone();
            if each.preset.is_some() {
                // Another preset is meant as a whole.
                reasons.clear();
            }
            reasons.extend(each.reasons);
            let rules = Rules {
                preset: each.preset.unwrap_or(base.preset),
                threshold: each.threshold.unwrap_or(base.threshold),
                window: each.window.unwrap_or(base.window),
                heal: each.heal.unwrap_or_else(|| base.heal.clone()),
                reasons,
            };
            sensible(&rules)?;
            overrides.push((scope, rules));
        }
        Ok(Self { base, overrides })
    }
}

fn sensible(rules: &Rules) -> Result<(), String> {
    if rules.threshold == 0 {
        return Err("`threshold` must be 1 or more (`record` never suppresses)".into());
    }
    if rules.window == 0 {
        return Err("`window` must be longer than nothing".into());
    }
    Ok(())
}

impl Policy {
    /// What holds for an event.
    pub fn rules(&self, subject: Subject<'_>) -> &Rules {
        self.overrides
            .iter()
            .find(|(scope, _)| scope.contains(subject))
            .map_or(&self.base, |(_, rules)| rules)
    }

    /// The overrides in their order: the first that fits holds.
    pub fn overrides(&self) -> impl Iterator<Item = (&Scope, &Rules)> {
        self.overrides.iter().map(|(scope, rules)| (scope, rules))
    }

    /// What holds where no override fits.
    pub const fn base(&self) -> &Rules {
        &self.base
    }

    /// Whether an event's reason alone says what it leads to: the same rules for all, and no
    /// suppression that ends by itself.
    pub fn is_plain(&self) -> bool {
        self.overrides.is_empty()
            && !self.base.reasons.values().any(|ActionText(action)| {
                matches!(
                    action,
                    Action::Suppress { lasting: Some(_) }
                        | Action::Score {
                            lasting: Some(_),
                            ..
                        }
                )
            })
    }

    /// Whether the receiving host of an event can matter.
    pub fn names_receiving_hosts(&self) -> bool {
        self.overrides
            .iter()
            .any(|(scope, _)| !scope.receiving_hosts.is_empty())
    }

    /// Whether the campaign of an event can matter.
    pub fn names_campaigns(&self) -> bool {
        self.overrides
            .iter()
            .any(|(scope, _)| !scope.campaigns.is_empty())
    }
}

impl Rules {
    /// What a bounce of this reason leads to.
    pub fn action(&self, reason: Reason, permanence: Permanence) -> Action {
        if let Some(ActionText(action)) = self.reasons.get(&reason) {
            return *action;
        }
        let suppress = Action::Suppress { lasting: None };
        let score = Action::Score {
            points: 1,
            lasting: None,
        };
        match self.preset {
            Preset::Mautic => suppress,
            Preset::Standard => match reason {
                Reason::Suspended => suppress,
                // A provider may call a sender-side failure hard; it still is not the recipient's.
                Reason::UserUnknown
                | Reason::HostUnknown
                | Reason::HasMoved
                | Reason::NotAccept
                | Reason::Filtered
                | Reason::OnHold
                | Reason::Undefined => match permanence {
                    Permanence::Hard => suppress,
                    Permanence::Soft => score,
                },
                Reason::MailboxFull
                | Reason::Expired
                | Reason::NetworkError
                | Reason::SystemError
                | Reason::SystemFull
                | Reason::MailerError => score,
                Reason::Rejected
                | Reason::Blocked
                | Reason::BadReputation
                | Reason::RequirePtr
                | Reason::AuthFailure
                | Reason::PolicyViolation
                | Reason::SecurityError
                | Reason::FailedStarttls
                | Reason::Speeding
                | Reason::TooManyConnections
                | Reason::NoRelaying
                | Reason::SpamDetected
                | Reason::VirusDetected
                | Reason::ContentError
                | Reason::NotCompliantRfc
                | Reason::MessageTooBig
                | Reason::ExceedLimit
                | Reason::SyntaxError => Action::Record,
            },
        }
    }

    /// Grounds of a complaint; Mautic knows none.
    pub const fn complaint(&self) -> Grounds {
        match self.preset {
            Preset::Standard => Grounds::Complaint,
            Preset::Mautic => Grounds::Unsubscribe,
        }
    }

    /// Whether such an event makes earlier points forgotten.
    pub fn heals(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::Delivered => self.heal.contains(&Healing::Delivered),
            EventKind::Reply => self.heal.contains(&Healing::Reply),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anybody() -> Subject<'static> {
        Subject {
            domain: "example.com",
            campaign: "7",
            receiving_host: "mx.example.net",
        }
    }

    #[test]
    fn presets_and_exceptions() {
        let policy: Policy = toml::from_str(
            "[reasons]\nblocked = \"score 2\"\nsuspended = { action = \"suppress\", for = \"90d\" }",
        )
        .unwrap();
        let rules = policy.rules(anybody());
        let suppress = Action::Suppress { lasting: None };
        assert_eq!(
            rules.action(Reason::UserUnknown, Permanence::Hard),
            suppress
        );
        assert_eq!(
            rules.action(Reason::AuthFailure, Permanence::Soft),
            Action::Record
        );
        assert_eq!(
            rules.action(Reason::Blocked, Permanence::Soft),
            Action::Score {
                points: 2,
                lasting: None
            }
        );
        assert_eq!(
            rules.action(Reason::Suspended, Permanence::Soft),
            Action::Suppress {
                lasting: Some(90 * DAY)
            }
        );
        assert!(!policy.is_plain() && Policy::default().is_plain());
        let mautic: Policy = toml::from_str("preset = \"mautic\"").unwrap();
        let rules = mautic.rules(anybody());
        assert_eq!(
            rules.action(Reason::AuthFailure, Permanence::Soft),
            suppress
        );
        assert_eq!(rules.complaint(), Grounds::Unsubscribe);
    }

    #[test]
    fn the_first_override_that_fits_holds_and_inherits_the_rest() {
        let policy: Policy = toml::from_str(
            r#"
            threshold = 4
            reasons = { blocked = "score" }
            [[override]]
            receiving_hosts = ["Outlook.com"]
            campaigns = ["12"]
            reasons = { blocked = "ignore" }
            [[override]]
            domains = ["bücher.example"]
            threshold = 2
            "#,
        )
        .unwrap();
        let at = |domain, campaign, receiving_host| {
            policy.rules(Subject {
                domain,
                campaign,
                receiving_host,
            })
        };
        let blocked = |rules: &Rules| rules.action(Reason::Blocked, Permanence::Soft);
        let outlook = "mx1.mail.protection.outlook.com";
        assert_eq!(blocked(at("example.com", "12", outlook)), Action::Ignore);
        assert_ne!(blocked(at("example.com", "13", outlook)), Action::Ignore);
        assert_ne!(
            blocked(at("example.com", "12", "notoutlook.com")),
            Action::Ignore
        );
        let below = at("mail.xn--bcher-kva.example", "", "");
        assert_eq!(below.threshold, 2);
        assert_ne!(blocked(below), Action::Record);
        assert_eq!(at("example.com", "", "").threshold, 4);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, wanted) in [
            ("[reasons]\nblocked = \"skore\"", "`skore` is no action"),
            (
                "[reasons]\nblocked = { action = \"record\", for = \"3d\" }",
                "no meaning",
            ),
            ("window = \"3 moons\"", "`3 moons` is no duration"),
            ("[reasons]\nblokked = \"record\"", "blokked"),
            ("threshold = 0", "`threshold`"),
            ("[[override]]\nthreshold = 3", "`domains`"),
            ("[[override]]\ndomain = [\"x\"]", "`domain`"),
        ] {
            let error = toml::from_str::<Policy>(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
