//! Byte offsets to lines and columns.

/// Finds line and column of byte offsets; cheap when they are asked for roughly in order.
#[derive(Debug)]
pub(super) struct Positions<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    /// The last answer: line index, offset, characters before it on its line.
    last: (usize, usize, usize),
}

impl<'t> Positions<'t> {
    /// Prepares positions in `text`.
    pub(super) fn of(text: &'t str) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes());
        let line_starts = std::iter::once(0).chain(breaks.map(|at| at + 1)).collect();
        Self { text, line_starts, last: (0, 0, 0) }
    }

    /// Returns line and column, both from 1, of the byte at `offset`; the end of the text for anything behind it.
    pub(super) fn at(&mut self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1) - 1;
        let (last_line, last_offset, last_column) = self.last;
        // Counting on from the last answer keeps one very long line from costing its length for every node on it.
        let column = match line == last_line {
            true if offset >= last_offset => last_column + self.characters(last_offset, offset),
            true => last_column.saturating_sub(self.characters(offset, last_offset)),
            false => self.characters(self.line_starts.get(line).copied().unwrap_or(0), offset),
        };
        self.last = (line, offset, column);
        (saturate(line + 1), saturate(column + 1))
    }

    fn characters(&self, start: usize, end: usize) -> usize {
        let is_first_byte = |byte: &&u8| (**byte & 0b1100_0000) != 0b1000_0000;
        self.text.as_bytes().get(start..end).map_or(0, |bytes| bytes.iter().filter(is_first_byte).count())
    }
}

fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_line_feeds() {
        let mut positions = Positions::of("äb\r\ncd\n");
        assert_eq!(positions.at(0), (1, 1));
        assert_eq!(positions.at(3), (1, 3));
        assert_eq!(positions.at(2), (1, 2));
        assert_eq!(positions.at(6), (2, 2));
        assert_eq!(positions.at(2), (1, 2));
        assert_eq!(positions.at(99), (3, 1));
    }
}
