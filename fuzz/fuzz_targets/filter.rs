//! A filter is refused with a place and a hint, or is spelt again the same and is SQL that runs.
#![no_main]

use std::cell::OnceCell;

use bouncekit_core::{
    segment::{Expression, Names},
    store::{Store, StoreError},
    suppression::Policy,
    time::Timestamp,
};

const NOW: Timestamp = Timestamp(1_780_000_000_000);

thread_local! {
    static STORE: OnceCell<Store> = const { OnceCell::new() };
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = Names {
        segments: Vec::new(),
        attributes: vec!["city".into(), "age".into()],
    };
    let expression = match Expression::parse(text, &names) {
        Ok(expression) => expression,
        Err(error) => {
            let (line, column) = error.position();
            let [shown, carets] = error.picture();
            assert!(
                line >= 1 && column >= 1 && carets.contains('^'),
                "{shown}\n{carets}"
            );
            assert!(!error.hint().is_empty());
            return;
        }
    };
    let spelt = expression.to_string();
    assert_eq!(
        Expression::parse(&spelt, &names).as_ref(),
        Ok(&expression),
        "{spelt}"
    );
    STORE.with(|store| {
        let store = store.get_or_init(|| Store::open_in_memory().expect("memory is there"));
        let compiled = store
            .compile_filter(&expression, &Policy::default(), NOW)
            .unwrap_or_else(|error| panic!("{spelt}: {error}"));
        store
            .for_each_meeting(&compiled, |_| Ok::<(), StoreError>(()))
            .unwrap_or_else(|error| panic!("{spelt}: {error}"));
    });
});
