//! The little that PostgreSQL does not read as SQLite does.

/// `object ->> name` on text is a function of ours there.
pub(super) fn translate(sql: &str) -> String {
    let mut pieces = sql.split(" ->> ");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let start = text.rfind(|c| !is_name(c)).map_or(0, |index| index + 1);
        let object = text.split_off(start);
        let end = piece
            .find(|c: char| !(is_name(c) || matches!(c, '$' | '\'')))
            .unwrap_or(piece.len());
        let (name, rest) = piece.split_at(end);
        text += &format!("attribute({object}, {name}){rest}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn members_of_objects_are_asked_for_by_a_function() {
        assert_eq!(
            translate("SELECT (c.attributes ->> $1) = 'x', a ->> 'forged' FROM c"),
            "SELECT (attribute(c.attributes, $1)) = 'x', attribute(a, 'forged') FROM c"
        );
        assert_eq!(translate("SELECT 1"), "SELECT 1");
    }
}
