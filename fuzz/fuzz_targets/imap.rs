//! What a server says during a whole session, before it is asked: through our limits and repairs and
//! the crate's parser, over a real connection. Sessions that break are opened again with the same.
#![no_main]

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    thread,
    time::Duration,
};

use bouncekit_core::{
    config::{After, Config, Connection, Place},
    mailbox::{Account, Body, Bounds, Folder as _},
    time::Timestamp,
};

static PORT: AtomicU16 = AtomicU16::new(0);

fn answer(mut stream: TcpStream, said: &[u8]) {
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    if stream.write_all(said).is_ok() && stream.shutdown(Shutdown::Write).is_ok() {
        // What is unread when a socket is closed resets it, and what was written is lost.
        let mut asked = [0; 4096];
        while matches!(stream.read(&mut asked), Ok(count) if count > 0) {}
    }
}

/// The server, started once; it says what it is told to.
fn server(said: &Arc<Mutex<Vec<u8>>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let said = Arc::clone(said);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let words = said.lock().expect("nobody panics").clone();
            thread::spawn(move || answer(stream, &words));
        }
    });
    port
}

fn connection(port: u16) -> Connection {
    let text = format!(
        "[connection]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"plain\"\nuser = \"u\"\n\
         password = \"p\"\nread_timeout = \"1s\"\ntotal_timeout = \"5s\"\n[[mailbox]]\nname = \"m\"\n"
    );
    let config = Config::from_toml(&text, "config.toml").expect("it is right");
    let mailbox = config.mailboxes().expect("it is right").remove(0);
    match mailbox.place {
        Place::Imap(connection) => *connection,
        _ => unreachable!("IMAP is the default"),
    }
}

thread_local! {
    static SAID: Arc<Mutex<Vec<u8>>> = Arc::default();
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    SAID.with(|said| {
        if PORT.load(Ordering::Relaxed) == 0 {
            PORT.store(server(said), Ordering::Relaxed);
        }
        *said.lock().expect("nobody panics") = bytes.to_vec();
    });
    let mut account = Account::new(&connection(PORT.load(Ordering::Relaxed)), Timestamp(0));
    let bounds = Bounds {
        message_size: 2000,
        batch_messages: 4,
        batch_bytes: 4000,
    };
    let Ok(mut folder) = account.open("INBOX", bounds, false) else {
        return;
    };
    let Ok(count) = folder.search(Some(10)) else {
        return;
    };
    assert!(count <= 10);
    let mut uids = Vec::new();
    while let Ok(Some(messages)) = folder.next_batch() {
        for message in messages {
            if let Body::Whole(body) = &message.body {
                assert!(body.len() <= 2000);
            }
            uids.push(message.uid);
        }
    }
    let _ = folder.acknowledge(&uids, &After::Move("Done".into()));
});
