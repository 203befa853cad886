//! Lists, a row each: as tables, window by window, or as the JSON that the daemon wrote.

use std::io::{self, Write};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::clock::Clock;
use super::{Eye, Show, WINDOW};
use crate::cli::client::{ClientError, Rows};
use crate::cli::table::Columns;

/// On a terminal narrower than this, what is words stands below its row.
const WIDE: usize = 120;

/// How rows of one list are shown.
pub(super) struct View<T, const N: usize> {
    pub(super) head: [&'static str; N],
    /// So many of the last columns are words, which a narrow terminal has below the row.
    pub(super) words: usize,
    pub(super) cells: fn(T, &Clock) -> [String; N],
}

/// Which list is wanted.
pub(super) struct Asked {
    pub(super) url: String,
    /// What to say where it has no row, if that is an error.
    pub(super) none: Option<String>,
}

impl From<&str> for Asked {
    fn from(path: &str) -> Self {
        Self { url: path.to_owned(), none: None }
    }
}

/// Rows as the elements of an array, one a line.
#[derive(Default)]
pub(super) struct Array {
    begun: bool,
}

impl Array {
    pub(super) fn print(&mut self, rows: &[Bytes], out: &mut impl Write) -> io::Result<()> {
        for row in rows {
            out.write_all(if self.begun { b",\n" } else { b"[\n" })?;
            out.write_all(row)?;
            self.begun = true;
        }
        Ok(())
    }

    pub(super) fn end(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })
    }
}

/// Where the rows of a list go.
pub(super) enum Sheet<'a, T, const N: usize> {
    Json(Array),
    Table {
        columns: Columns<N>,
        cells: fn(T, &Clock) -> [String; N],
        /// So many of the last columns stand below the row.
        below: usize,
        clock: &'a Clock,
    },
}

impl<'a, T: DeserializeOwned, const N: usize> Sheet<'a, T, N> {
    fn table(view: View<T, N>, eye: &'a Eye) -> Self {
        let View { mut head, words, cells } = view;
        let below = if eye.terminal.is_some_and(|width| width < WIDE) { words } else { 0 };
        head.iter_mut().rev().take(below).for_each(|name| *name = "");
        Self::Table { columns: Columns::new(head, eye.terminal), cells, below, clock: &eye.clock }
    }

    pub(super) fn print(&mut self, rows: &[Bytes], out: &mut impl Write) -> Result<(), ClientError> {
        let (columns, cells, below, clock) = match self {
            Self::Json(array) => return Ok(array.print(rows, out)?),
            Self::Table { columns, cells, below, clock } => (columns, cells, *below, *clock),
        };
        let (mut all, mut notes) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let mut row = cells(serde_json::from_slice(row)?, clock);
            let words = row.iter_mut().rev().take(below).map(std::mem::take);
            let mut words: Vec<String> = words.filter(|said| !said.is_empty()).collect();
            words.reverse();
            notes.push(words.join("; "));
            all.push(row);
        }
        Ok(columns.print_noted(&all, &notes, out)?)
    }

    /// Behind the last row; a table without rows has its head.
    pub(super) fn end(&mut self, out: &mut impl Write) -> Result<(), ClientError> {
        match self {
            Self::Json(array) => Ok(array.end(out)?),
            Self::Table { columns, .. } => Ok(columns.print(&[], out)?),
        }
    }
}

impl Show {
    pub(super) fn sheet<T: DeserializeOwned, const N: usize>(&self, view: View<T, N>) -> Sheet<'_, T, N> {
        if self.json { Sheet::Json(Array::default()) } else { Sheet::table(view, &self.eye) }
    }

    /// A list, or what is looked up in it.
    pub(super) async fn list<T: DeserializeOwned, const N: usize>(
        &self,
        asked: Asked,
        view: View<T, N>,
        out: &mut impl Write,
    ) -> Result<(), ClientError> {
        let mut rows = self.client.rows(&asked.url).await?;
        let mut sheet = self.sheet(view);
        let mut window = rows.next(WINDOW).await?;
        if window.is_empty()
            && let Some(none) = asked.none
        {
            if self.json {
                sheet.end(out)?;
            }
            return Err(ClientError::NotThere(none));
        }
        while !window.is_empty() {
            sheet.print(&window, out)?;
            window = rows.next(WINDOW).await?;
        }
        sheet.end(out)
    }

    /// A list as the daemon wrote it.
    pub(super) async fn json(&self, path: &str, out: &mut impl Write) -> Result<(), ClientError> {
        let mut rows: Rows = self.client.rows(path).await?;
        let mut array = Array::default();
        loop {
            let window = rows.next(WINDOW).await?;
            if window.is_empty() {
                return Ok(array.end(out)?);
            }
            array.print(&window, out)?;
        }
    }
}
