//! A command line with places to fill: `python train.py --logdir {run.dir} {args}`.
//!
//! A template is split into words as a shell would (blanks, quotes, backslashes) before anything is filled in, so a
//! value with blanks stays one argument and no value is ever read by a shell.

/// A command line, split and checked for its form. Names of parameters are checked by the spec's reader.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    text: String,
    words: Vec<Word>,
}

/// One argument: pieces that are joined.
pub type Word = Vec<Piece>;

/// A part of a word.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// As written.
    Text(String),
    /// `{name}`, or `{param.name}` where a place has that name: the value of a parameter.
    Parameter(String),
    /// `{run.dir}`, `{seed}` and the other fixed names.
    Place(Place),
    /// `{args}` or `{args:--k=v}`: all parameters that the template does not name itself. A word of its own.
    Arguments(Option<ArgumentStyle>),
}

/// What a template can name beside parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// `{run.dir}`: the attempt's own folder.
    RunDir,
    /// `{run.id}`: 16 hex digits.
    RunId,
    /// `{run.attempt}`: from 1.
    RunAttempt,
    /// `{sweep}`: its name.
    Sweep,
    /// `{seed}`: the replicate.
    Seed,
    /// `{threads}`: CPU cores of the slot.
    Threads,
    /// `{spec.dir}`: the folder of the spec's file.
    SpecDir,
    /// `{checkpoint}`: the file to go on from; in `resume:` only.
    Checkpoint,
    /// `{step}`: its step; in `resume:` only.
    Step,
}

impl Place {
    /// Every place and its spelling.
    pub const ALL: [(&'static str, Place); 9] = [
        ("run.dir", Place::RunDir),
        ("run.id", Place::RunId),
        ("run.attempt", Place::RunAttempt),
        ("sweep", Place::Sweep),
        ("seed", Place::Seed),
        ("threads", Place::Threads),
        ("spec.dir", Place::SpecDir),
        ("checkpoint", Place::Checkpoint),
        ("step", Place::Step),
    ];

    /// Its name between the braces.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, place)| *place == self).map_or("", |(name, _)| name)
    }
}

/// How a parameter is written as an argument: `--k v`, `--k=v`, `k=v`, `-k v`, `++k=v`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentStyle {
    /// What stands before the name: `--`, `-`, `+`, nothing.
    pub prefix: String,
    /// Between name and value: `=` or `:` in one word; none: two words.
    pub joint: Option<char>,
}

impl ArgumentStyle {
    /// Reads `--k=v`.
    fn parse(text: &str) -> Option<Self> {
        let name = text.strip_suffix('v')?;
        let (name, joint) = match name.chars().last()? {
            ' ' => (name.trim_end(), None),
            c @ ('=' | ':') => (&name[..name.len() - 1], Some(c)),
            _ => return None,
        };
        let prefix = name.strip_suffix('k')?;
        (!prefix.contains(char::is_whitespace)).then(|| Self { prefix: prefix.to_owned(), joint })
    }
}

/// What is wrong with the form of a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing to execute.
    #[error("the command is empty")]
    Empty,
    /// A quote is open at the end.
    #[error("a quote ({0}) is not closed")]
    OpenQuote(char),
    /// `{args` with something after it that is no style.
    #[error("`{{args:{0}}}` is no argument style; it is written with k and v: `--k v`, `--k=v`, `k=v`, `-k v`")]
    Style(String),
    /// `--x={args}`.
    #[error("`{{args}}` becomes several arguments and must stand alone, between blanks")]
    ArgumentsInWord,
}

impl Template {
    /// Splits a command line. Braces around something that is no name (`{"a": 1}`, `${HOME}`) stay as they are.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let words = split(text)?;
        if words.is_empty() {
            return Err(TemplateError::Empty);
        }
        let alone = |word: &Word| word.len() == 1 || !word.iter().any(|p| matches!(p, Piece::Arguments(_)));
        if !words.iter().all(alone) {
            return Err(TemplateError::ArgumentsInWord);
        }
        Ok(Self { text: text.to_owned(), words })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The program and its arguments.
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// The parameters that it names.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.words.iter().flatten().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether it names a place.
    pub fn names(&self, place: Place) -> bool {
        self.words.iter().flatten().any(|piece| *piece == Piece::Place(place))
    }

    /// Whether it has `{args}`.
    pub fn has_arguments(&self) -> bool {
        self.words.iter().flatten().any(|piece| matches!(piece, Piece::Arguments(_)))
    }
}

/// Pieces of a text that is one word whatever it holds: a value of `environment:`, `directory:`.
pub fn pieces(text: &str) -> Result<Word, TemplateError> {
    let mut word = Word::new();
    let mut rest = text;
    while !rest.is_empty() {
        match place(rest)? {
            Some((Piece::Arguments(_), _)) => return Err(TemplateError::ArgumentsInWord),
            Some((piece, length)) => {
                word.push(piece);
                rest = &rest[length..];
            }
            None => rest = take_literal(rest, &mut word),
        }
    }
    Ok(word)
}

/// Takes `${`, `{{`, `}}` or one character as it is meant; gives what comes after.
fn take_literal<'a>(rest: &'a str, word: &mut Word) -> &'a str {
    for (written, meant) in [("${", "${"), ("{{", "{"), ("}}", "}")] {
        if let Some(after) = rest.strip_prefix(written) {
            push_text(word, meant);
            return after;
        }
    }
    let length = rest.chars().next().map_or(0, char::len_utf8);
    push_text(word, &rest[..length]);
    &rest[length..]
}

fn push_text(word: &mut Word, text: &str) {
    match word.last_mut() {
        Some(Piece::Text(last)) => last.push_str(text),
        _ => word.push(Piece::Text(text.to_owned())),
    }
}

/// The place at the start of the text, and its length in bytes.
fn place(text: &str) -> Result<Option<(Piece, usize)>, TemplateError> {
    let Some(inner) = text.strip_prefix('{') else { return Ok(None) };
    let Some(end) = inner.find('}') else { return Ok(None) };
    let (inner, length) = (&inner[..end], end + 2);
    if inner == "args" {
        return Ok(Some((Piece::Arguments(None), length)));
    }
    if let Some(style) = inner.strip_prefix("args:") {
        let style = ArgumentStyle::parse(style.trim()).ok_or_else(|| TemplateError::Style(style.to_owned()))?;
        return Ok(Some((Piece::Arguments(Some(style)), length)));
    }
    if let Some(name) = inner.strip_prefix("param.").filter(|name| !name.is_empty()) {
        return Ok(Some((Piece::Parameter(name.to_owned()), length)));
    }
    let name = !inner.starts_with(|c: char| c.is_ascii_digit())
        && !inner.is_empty()
        && inner.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'));
    let fixed = Place::ALL.iter().find(|(spelling, _)| *spelling == inner).map(|(_, place)| Piece::Place(*place));
    Ok(name.then(|| (fixed.unwrap_or_else(|| Piece::Parameter(inner.to_owned())), length)))
}

fn split(text: &str) -> Result<Vec<Word>, TemplateError> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote: Option<char> = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((piece, length)) = place(rest)? {
            word.get_or_insert_default().push(piece);
            rest = &rest[length..];
            continue;
        }
        let after = &rest[c.len_utf8()..];
        match (quote, c) {
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
                rest = after;
            }
            (Some(q), c) if q == c => {
                quote = None;
                rest = after;
            }
            (None, c) if c.is_whitespace() => {
                words.extend(word.take());
                rest = after;
            }
            (None, '\\') | (Some('"'), '\\') if !after.is_empty() => {
                let escaped = after.chars().next().unwrap_or('\\');
                // Inside double quotes a backslash is special only before what it can protect, as in a shell.
                if quote.is_some() && !matches!(escaped, '"' | '\\' | '$' | '`') {
                    push_text(word.get_or_insert_default(), "\\");
                    rest = after;
                } else {
                    push_text(word.get_or_insert_default(), escaped.encode_utf8(&mut [0; 4]));
                    rest = &after[escaped.len_utf8()..];
                }
            }
            _ => rest = take_literal(rest, word.get_or_insert_default()),
        }
    }
    if let Some(quote) = quote {
        return Err(TemplateError::OpenQuote(quote));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(s: &str) -> Piece {
        Piece::Text(s.to_owned())
    }

    #[test]
    fn words_are_split_before_anything_is_filled_in() {
        let template = Template::parse(r#"python 'my train.py' --name="a {lr} b" {args:--k v} x\ y"#).unwrap();
        assert_eq!(
            template.words(),
            [
                vec![text("python")],
                vec![text("my train.py")],
                vec![text("--name=a "), Piece::Parameter("lr".into()), text(" b")],
                vec![Piece::Arguments(Some(ArgumentStyle { prefix: "--".into(), joint: None }))],
                vec![text("x y")],
            ]
        );
    }

    #[test]
    fn braces_that_hold_no_name_stay() {
        let template = Template::parse(r#"sh -c 'echo ${HOME} {"a":1} {{x}} {1}'"#).unwrap();
        assert_eq!(template.words()[2], [text(r#"echo ${HOME} {"a":1} {x} {1}"#)]);
    }

    #[test]
    fn places_and_styles() {
        let template = Template::parse("t --out={run.dir}/x {seed} {args:++k=v}").unwrap();
        assert!(template.names(Place::RunDir) && template.names(Place::Seed) && !template.names(Place::RunId));
        assert_eq!(
            template.words()[3],
            [Piece::Arguments(Some(ArgumentStyle { prefix: "++".into(), joint: Some('=') }))]
        );
        assert_eq!(Template::parse("t {args:--kv}"), Err(TemplateError::Style("--kv".into())));
        assert_eq!(Template::parse("t --a={args}"), Err(TemplateError::ArgumentsInWord));
        assert_eq!(Template::parse("t 'x"), Err(TemplateError::OpenQuote('\'')));
        assert_eq!(Template::parse("  "), Err(TemplateError::Empty));
    }
}
