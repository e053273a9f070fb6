//! Bounding an evaluation before it starts: how long it can take and how much it can hold with the input at hand.
//!
//! A bound inside a macro depends on how large the macro's item is. It is kept as a linear form in the sizes of the (at most two) items
//! in scope, since the items of a list are together no larger than the list: `list.all(x, x.name.contains('a'))` costs what the list
//! weighs, not its length times that. Only products of two such sizes are bounded roughly.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, LiteralValue, operators};

use super::check::MOST_MACROS;
use super::guard::Compiled;
use super::input::{Input, NODE_WEIGHT, Size};
use super::pattern::PREFIX;
use super::run::{ITEMS, MATCHES};

/// Nanoseconds for a node. Measured, and then some.
const NODE_TIME: f64 = 250.0;

/// Nanoseconds to copy and drop a byte of weight, or to search it.
const BYTE_TIME: f64 = 2.0;

/// What an evaluation can come to at the very most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// Nanoseconds, in an optimised program.
    pub(super) time: f64,
    /// Bytes held at one time, beside the input.
    pub(super) held: f64,
}

/// Bounds the evaluation of an expression with an input.
pub(super) fn cost(compiled: &Compiled, input: &Input) -> Cost {
    let mut estimate = Estimate { compiled, input, scope: Vec::new(), items: Vec::new() };
    let bound = estimate.bound(&compiled.tree);
    Cost { time: bound.time.most(&[]), held: bound.held + bound.weight.most(&[]) }
}

/// A constant, and how often the weight of the outer and of the inner item.
#[derive(Debug, Clone, Copy, Default)]
struct Linear([f64; 1 + MOST_MACROS]);

impl Linear {
    fn constant(value: f64) -> Self {
        let mut form = Self::default();
        form.0[0] = value;
        form
    }

    fn item(level: usize) -> Self {
        let mut form = Self::default();
        if let Some(slot) = form.0.get_mut(level + 1) {
            *slot = 1.0;
        }
        form
    }

    fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|index| self.0[index] + other.0[index]))
    }

    fn times(self, factor: f64) -> Self {
        // A weight that does not count must not become one through infinity.
        Self(self.0.map(|own| if own == 0.0 || factor == 0.0 { 0.0 } else { own * factor }))
    }

    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|index| self.0[index].max(other.0[index])))
    }

    fn is_constant(self) -> bool {
        self.0.iter().skip(1).all(|own| *own == 0.0)
    }

    /// Its greatest value, where the items weigh at most `items`.
    fn most(self, items: &[f64]) -> f64 {
        let weighed = self.0[1..].iter().zip(items).filter(|(own, _)| **own > 0.0).map(|(own, most)| own * most);
        self.0[0] + weighed.sum::<f64>()
    }

    fn product(self, other: Self, items: &[f64]) -> Self {
        if other.is_constant() { self.times(other.0[0]) } else { other.times(self.most(items)) }
    }
}

/// What holds of one node: of evaluating it, and of its value.
#[derive(Debug, Clone, Copy)]
struct Bound {
    time: Linear,
    weight: Linear,
    /// The longest text in its value.
    text: f64,
    /// Bytes held by values in the making, at the most.
    held: f64,
}

struct Estimate<'e> {
    compiled: &'e Compiled,
    input: &'e Input,
    scope: Vec<(&'e str, Linear, f64)>,
    /// What the items in scope weigh at the most.
    items: Vec<f64>,
}

impl<'e> Estimate<'e> {
    fn bound(&mut self, node: &'e IdedExpr) -> Bound {
        match &node.expr {
            Expr::Literal(value) => {
                let text = text_of(value);
                plain(Linear::constant(NODE_TIME), Linear::constant(NODE_WEIGHT + text), text)
            }
            Expr::Ident(name) => {
                let (weight, text) = self.variable(name);
                plain(Linear::constant(NODE_TIME), weight, text)
            }
            Expr::Select(select) => self.all_of(&[&select.operand]).0,
            Expr::List(list) => self.made_of(&list.elements.iter().collect::<Vec<_>>()),
            Expr::Map(map) => {
                let pair = |entry: &'e IdedEntryExpr| match &entry.expr {
                    EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
                    EntryExpr::StructField(field) => vec![&field.value],
                };
                self.made_of(&map.entries.iter().flat_map(pair).collect::<Vec<_>>())
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Call(call) => self.call(call),
            Expr::Struct(_) | Expr::Unspecified => {
                let never = Linear::constant(f64::INFINITY);
                plain(never, never, f64::INFINITY)
            }
        }
    }

    fn variable(&self, name: &str) -> (Linear, f64) {
        if let Some((_, weight, text)) = self.scope.iter().rev().find(|(own, _, _)| *own == name) {
            return (*weight, *text);
        }
        let size = self.input.0.get(name).map_or(Size::default(), |variable| variable.size);
        (Linear::constant(NODE_WEIGHT + size.weight), size.text)
    }

    /// Parts evaluated one after the other, and a value that has them all; then each of them.
    fn all_of(&mut self, parts: &[&'e IdedExpr]) -> (Bound, Vec<Bound>) {
        let mut all = plain(Linear::constant(NODE_TIME), Linear::default(), 0.0);
        let mut most_held = 0.0_f64;
        let parts: Vec<Bound> = parts.iter().map(|part| self.bound(part)).collect();
        for part in &parts {
            all.time = all.time.plus(part.time);
            most_held = most_held.max(all.weight.most(&self.items) + part.held);
            all.weight = all.weight.plus(part.weight);
            all.text = all.text.max(part.text);
        }
        all.held = most_held.max(all.weight.most(&self.items));
        (all, parts)
    }

    /// A list or a map written out, which copies its parts.
    fn made_of(&mut self, parts: &[&'e IdedExpr]) -> Bound {
        let (mut made, _) = self.all_of(parts);
        made.time = made.time.plus(made.weight.times(BYTE_TIME));
        made.held += made.weight.most(&self.items);
        made.weight = made.weight.plus(Linear::constant(NODE_WEIGHT));
        made
    }

    fn call(&mut self, call: &'e CallExpr) -> Bound {
        let parts: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let (all, parts) = self.all_of(&parts);
        // A failing operation copies what it failed on into its error, so that even subtraction counts as going through its operands.
        let through = Bound { time: all.time.plus(all.weight.times(BYTE_TIME)), ..all };
        let scalar = |bound: Bound| Bound { weight: Linear::constant(NODE_WEIGHT), text: 0.0, ..bound };
        match call.func_name.as_str() {
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE => {
                scalar(all)
            }
            operators::CONDITIONAL => match parts[..] {
                [_, yes, no] => Bound { weight: yes.weight.or(no.weight), text: yes.text.max(no.text), ..all },
                _ => through,
            },
            operators::EQUALS | operators::NOT_EQUALS | operators::IN => {
                let compared = self.compared(call, &parts);
                scalar(Bound { time: all.time.plus(compared.times(BYTE_TIME)), ..all })
            }
            // A list shows all of itself in the error about an index that is half a number.
            operators::INDEX if call.args.get(1).is_some_and(is_whole) => all,
            operators::INDEX => through,
            operators::ADD => {
                let text = parts.iter().map(|part| part.text).sum();
                Bound { held: through.held + through.weight.most(&self.items), text, ..through }
            }
            MATCHES => {
                let cost = self.pattern(call);
                let text = Linear::constant(all.text + 1.0).times(cost);
                scalar(Bound { time: all.time.plus(text), ..all })
            }
            "contains" | "startsWith" | "endsWith" | "size" => {
                // Of a list or a map only the size is asked, which is known.
                let text = Linear::constant(BYTE_TIME * all.text);
                scalar(Bound { time: all.time.plus(text), ..all })
            }
            ITEMS | "dyn" => through,
            "string" | "bytes" => Bound { text: all.text.max(NODE_WEIGHT), ..through },
            _ => scalar(through),
        }
    }

    /// The bytes gone through by `==`, `!=` and `in`. A number copies what it is compared with when that is none.
    fn compared(&self, call: &CallExpr, parts: &[Bound]) -> Linear {
        let ([left, right], [written, container]) = (parts, call.args.as_slice()) else {
            return Linear::constant(f64::INFINITY);
        };
        if call.func_name != operators::IN {
            return if is_plain(written) { left.weight } else { right.weight.times(2.0) };
        }
        if matches!(&container.expr, Expr::List(list) if list.elements.iter().all(is_plain)) {
            return right.weight;
        }
        let copies = right.weight.times(1.0 / NODE_WEIGHT).product(left.weight, &self.items);
        right.weight.plus(copies)
    }

    /// Nanoseconds for a byte.
    fn pattern(&self, call: &CallExpr) -> f64 {
        let Some(Expr::Ident(name)) = call.args.get(1).map(|pattern| &pattern.expr) else {
            return f64::INFINITY;
        };
        let number = name.strip_prefix(PREFIX).and_then(|number| number.parse::<usize>().ok());
        number.and_then(|number| self.compiled.patterns.get(number)).map_or(f64::INFINITY, |pattern| pattern.cost)
    }

    fn comprehension(&mut self, node: &'e ComprehensionExpr) -> Bound {
        let range = self.bound(&node.iter_range);
        let level = self.items.len();
        let most_range = range.weight.most(&self.items);
        self.items.push(most_range);
        self.scope.push((&node.iter_var, Linear::item(level), range.text));
        self.scope.push((&node.accu_var, Linear::constant(NODE_WEIGHT), 0.0));
        let (condition, step) = (self.bound(&node.loop_cond), self.bound(&node.loop_step));
        self.scope.truncate(self.scope.len() - 2);
        self.items.pop();

        let per_item = condition.time.plus(step.time).plus(Linear::constant(NODE_TIME));
        let copies = range.weight.times(BYTE_TIME);
        let loops = self.for_all(per_item, level, range.weight);
        let time = range.time.plus(copies).plus(loops).plus(Linear::constant(4.0 * NODE_TIME));
        // `map` and `filter` append in place; the other macros keep a bool or a number.
        let collects = matches!(node.accu_init.expr, Expr::List(_));
        let collected = if collects { self.for_all(step.weight, level, range.weight) } else { Linear::default() };
        let weight = collected.plus(Linear::constant(NODE_WEIGHT));
        let within = condition.held.max(step.held) + most_range;
        let held = range.held.max(most_range + weight.most(&self.items) + within);
        Bound { time, weight, text: if collects { step.text } else { 0.0 }, held }
    }

    /// The sum of `each` over the items of a list of that weight.
    fn for_all(&self, each: Linear, level: usize, list: Linear) -> Linear {
        let mut fixed = each;
        let Some(share) = fixed.0.get_mut(level + 1).map(std::mem::take) else {
            return Linear::constant(f64::INFINITY);
        };
        let count = list.times(1.0 / NODE_WEIGHT);
        count.product(fixed, &self.items).plus(list.times(share))
    }
}

/// Tells whether a node is written out and can be an index.
fn is_whole(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Literal(value) if !matches!(value, LiteralValue::Double(_)))
}

/// Tells whether a node is written out and no number.
fn is_plain(node: &IdedExpr) -> bool {
    use LiteralValue::{Double, Int, UInt};
    matches!(&node.expr, Expr::Literal(value) if !matches!(value, Double(_) | Int(_) | UInt(_)))
}

fn plain(time: Linear, weight: Linear, text: f64) -> Bound {
    Bound { time, weight, text, held: 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "an expression has at most 4 KiB")]
fn text_of(value: &LiteralValue) -> f64 {
    match value {
        LiteralValue::String(text) => text.inner().len() as f64,
        LiteralValue::Bytes(bytes) => bytes.inner().len() as f64,
        _ => 0.0,
    }
}
