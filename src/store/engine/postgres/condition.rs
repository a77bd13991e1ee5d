//! What a server says of itself, by SQLSTATE, told to people (PostgreSQL's manual, appendix A).

/// What is the matter, and what can be done about it.
pub(in crate::store) type Condition = (&'static str, &'static str);

/// By code or class; the first that fits. What is not here is a bug of the program.
#[rustfmt::skip]
const CONDITIONS: &[(&str, Condition)] = &[
    ("22021", ("the database cannot hold this text", "make it anew with `createdb -E UTF8`, and take what is there along with store:copy")),
    ("22P05", ("the database cannot hold this text", "make it anew with `createdb -E UTF8`, and take what is there along with store:copy")),
    ("28", ("the server does not let this user in", "look at user and password in `store.url`, and at pg_hba.conf on the server")),
    ("3D", ("there is no such database", "make it with `createdb`; its name is the last part of `store.url`")),
    ("3F", ("there is no schema for the tables", "make it, or set search_path for this user")),
    ("42501", ("this user may not do that", "the tables belong to who ran first: run as this user, or grant it the right")),
    ("53100", ("the disk of the database's server is full", "free some space there and run again: nothing was lost, what was not committed is done anew")),
    ("53200", ("the database's server has not enough memory", "give it more, or lower its work_mem and max_connections; run again: nothing was lost")),
    ("53300", ("the database's server has no connection left", "let fewer run at once, raise its max_connections, or put a pooler before it")),
    ("53", ("the database's server has not enough of something", "its log says of what; run again when it has: nothing was lost")),
    ("54", ("that is more than the database's server can hold", "what it names must become shorter; look for an address or a name of thousands of letters")),
    ("55006", ("the database is being used in a way that excludes this", "run again when the other is done")),
    ("55", ("the database is in no state for that", "look into the server's log; run again when it is mended: nothing was lost")),
    ("57014", ("the statement was cancelled", "raise statement_timeout for this user, or ask who cancelled it; run again: nothing was lost")),
    ("57P04", ("the database was dropped", "restore it from a backup, or make a new one with `createdb`")),
    ("57", ("an operator of the database's server was in the way", "run again: nothing was lost")),
    ("58", ("the database's server cannot read or write its files", "check its disk; its log says more")),
    ("F0", ("the database's server is not configured rightly", "its log says more")),
    ("0A", ("the database's server does not know what is needed", "PostgreSQL 13 and later does; the chapter on PostgreSQL in the README says what others lack")),
    ("XX001", ("the database is damaged", "its log says more, and so does pg_amcheck; restore a backup")),
    ("XX002", ("an index of the database is damaged", "REINDEX makes it anew; pg_amcheck tells what else is damaged")),
    ("XX", ("the database's server found a fault in itself", "its log says more")),
];

pub(in crate::store) fn condition(state: &str) -> Option<Condition> {
    CONDITIONS
        .iter()
        .find(|(start, _)| state.starts_with(start))
        .map(|(_, condition)| *condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_comes_before_its_class() {
        for (index, (code, _)) in CONDITIONS.iter().enumerate() {
            let earlier = CONDITIONS[..index].iter();
            let hidden: Vec<_> = earlier
                .filter(|(start, _)| code.starts_with(start))
                .collect();
            assert!(hidden.is_empty(), "{code} is never reached");
        }
        assert!(condition("53300").unwrap().0.contains("connection"));
        assert!(condition("53400").unwrap().0.contains("something"));
        // Our own SQL is at fault.
        for state in ["42601", "42703", "23505", "22012"] {
            assert_eq!(condition(state), None, "{state}");
        }
    }
}
