//! What is read as a return address of ours is written and read again the same.
#![no_main]

use bouncekit_core::{
    address::AddressKey,
    verp::{self, Keys, SEPARATORS, Signature},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Some(key) = AddressKey::parse(&text) {
        assert_eq!(AddressKey::parse(key.as_str()).as_ref(), Some(&key));
    }
    let Some(mut token) = verp::decode(&text, SEPARATORS).or_else(|| verp::decode_token(&text))
    else {
        return;
    };
    let read_again = |token: &verp::ReturnToken| {
        SEPARATORS.iter().for_each(|separator| {
            if let Ok(address) = verp::encode("news@example.com", *separator, token) {
                let read = verp::decode(&address, SEPARATORS);
                assert_eq!(read.as_ref(), Some(token), "{address}");
            }
        });
    };
    read_again(&token);
    let keys = Keys::new(vec![b"a key for fuzzing".to_vec()]);
    token.mac = keys.sign(token.purpose, &token.hash);
    assert_eq!(keys.check(&token), Signature::Valid);
    read_again(&token);
});
