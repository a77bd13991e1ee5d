//! kill -9 at random instants, run again: the end state is that of an undisturbed run, row for row.
//!
//! `BOUNCEKIT_KILLS` sets how many kills (25 unless said), `BOUNCEKIT_SEED` repeats a run; the seed is
//! printed. A mailbox is killed up to three times in a row before it may end.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    email_fetch::{fetching_env, outcome},
    support::{
        TestEnv,
        dovecot::{Dovecot, dovecot},
        mails::{sample, sample_names},
    },
};

/// Random instants that a seed repeats (xorshift).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = number("BOUNCEKIT_SEED").unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            u64::from(since.subsec_nanos()) | 1
        });
        eprintln!("BOUNCEKIT_SEED={seed}");
        Self(seed.max(1))
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Samples of every kind, one of them twice.
fn put_mails(dovecot: &Dovecot, folder: &str) -> usize {
    let names = sample_names();
    for number in 0..40 {
        let name = &names[number % names.len()];
        dovecot.put(folder, &format!("{number:02}"), sample(name, number));
    }
    dovecot.put(folder, "40", sample(&names[0], 0));
    41
}

fn env(dovecot: &Dovecot, folder: &str, after: &str) -> TestEnv {
    let connection = dovecot.connection("plain");
    fetching_env(&format!(
        "{connection}[[mailbox]]\nname = \"m\"\nfolder = \"{folder}\"\nafter = \"{after}\"\n\
         [limits]\nbatch_messages = 5\n"
    ))
}

#[test]
fn a_fetch_that_is_killed_anywhere_ends_as_if_it_had_not_been() {
    let Some(dovecot) = dovecot() else { return };
    let mut dice = Dice::new();
    let wanted = number("BOUNCEKIT_KILLS").unwrap_or(25);

    let count = put_mails(&dovecot, "Undisturbed");
    let undisturbed = env(&dovecot, "Undisturbed", "seen");
    let start = Instant::now();
    undisturbed.run(["email:fetch"]).done();
    // A little longer than a whole run, so that its very end is hit too.
    let longest = start.elapsed().mul_f64(1.1);
    let expected = outcome(&undisturbed);
    assert!(expected.len() > count);

    let (mut kills, mut round) = (0, 0);
    while kills < wanted {
        let (from, to) = (format!("Round{round}"), format!("Done{round}"));
        let moves = round % 2 == 1;
        put_mails(&dovecot, &from);
        let after = if moves {
            format!("move:{to}")
        } else {
            "seen".to_owned()
        };
        let env = env(&dovecot, &from, &after);
        for _ in 0..=dice.below(3) {
            let instant =
                Duration::from_micros(dice.below(longest.as_micros().try_into().unwrap()));
            let mut child = env.command(["email:fetch"]).spawn().unwrap();
            thread::sleep(instant);
            // It may have ended before; that counts as no kill.
            if child.try_wait().unwrap().is_none() {
                kills += 1;
            }
            child.kill().unwrap();
            child.wait().unwrap();
        }
        env.run(["email:fetch"]).done();
        let place = if moves { &to } else { &from };
        assert_eq!(
            dovecot.seen(place),
            count,
            "round {round}, after {kills} kills"
        );
        if moves {
            assert!(dovecot.flags(&from).is_empty(), "round {round}");
        }
        assert_eq!(
            outcome(&env),
            expected,
            "round {round}, after {kills} kills"
        );
        round += 1;
    }
    eprintln!("{kills} kills survived");
}
