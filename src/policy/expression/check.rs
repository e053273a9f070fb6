//! Walking the tree of an expression: what is refused before it is ever evaluated.

use cel::IdedExpr;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, ListExpr, LiteralValue, MapExpr, SelectExpr, SourceInfo, operators,
};

use super::functions::{self, is_arithmetic, is_comparison, is_operator, nearest};
use super::guard::{Compiled, place_of};
use super::run::{ITEMS, MATCHES};
use super::shape::{Form, KINDS, Kind, Shape};
use super::{InvalidExpression, pattern};

/// The most nodes, those that macros expand to included.
pub(super) const MOST_NODES: usize = 1000;

/// The greatest height of the tree: a level takes 2 KiB of stack to evaluate, 40 KiB without optimisation.
pub(super) const MOST_DEPTH: usize = 64;

/// The most macros within one another.
pub(super) const MOST_MACROS: usize = 2;

pub(super) use pattern::Pattern;

type Checked<T> = Result<T, InvalidExpression>;

/// Checks a tree, and readies it for being evaluated.
pub(super) fn check(
    text: &str,
    (mut tree, source): (IdedExpr, SourceInfo),
    variables: &Shape,
) -> Result<Compiled, InvalidExpression> {
    let mut walk =
        Walk { text, source: &source, variables, scope: vec![], patterns: vec![], nodes: 0, depth: 0, deepest: 0 };
    let form = walk.form(&mut tree, 0)?;
    if !form.may_be_bool() {
        return walk.refuse(tree.id, format!("the result is {}, and a check is true or false", form.words()));
    }
    let (patterns, depth) = (walk.patterns, walk.deepest);
    Ok(Compiled { text: text.to_owned(), tree, depth, patterns })
}

struct Walk<'s> {
    text: &'s str,
    source: &'s SourceInfo,
    variables: &'s Shape,
    /// The variables of the macros around, innermost last.
    scope: Vec<(String, Form<'s>)>,
    patterns: Vec<Pattern>,
    nodes: usize,
    depth: usize,
    deepest: usize,
}

impl<'s> Walk<'s> {
    fn refuse<T>(&self, id: u64, message: String) -> Checked<T> {
        Err(InvalidExpression { message, at: place_of(self.text, self.source, id) })
    }

    /// What the value of a node is; `macros` are around it.
    fn form(&mut self, node: &mut IdedExpr, macros: usize) -> Checked<Form<'s>> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return self.refuse(node.id, format!("the expression has more than {MOST_NODES} parts"));
        }
        if self.depth >= MOST_DEPTH {
            return self.refuse(node.id, format!("the expression is more than {MOST_DEPTH} operations deep"));
        }
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let id = node.id;
        let form = match &mut node.expr {
            Expr::Literal(value) => Ok(Form::of_literal(value)),
            Expr::Ident(name) => self.variable(id, name),
            Expr::Select(select) => self.select(id, select, macros),
            Expr::Call(call) => self.call(id, call, macros),
            Expr::List(list) => self.list(list, macros),
            Expr::Map(map) => self.map(id, map, macros),
            Expr::Comprehension(comprehension) => self.comprehension(id, comprehension, macros),
            Expr::Struct(_) => self.refuse(id, "there are no types to make values of".to_owned()),
            Expr::Unspecified => self.refuse(id, "the expression has a part without meaning".to_owned()),
        };
        self.depth -= 1;
        form
    }

    fn variable(&self, id: u64, name: &str) -> Checked<Form<'s>> {
        if let Some((_, form)) = self.scope.iter().rev().find(|(own, _)| own == name) {
            return Ok(*form);
        }
        if name.starts_with('.') {
            return self.refuse(id, format!("write `{}` without its leading dot", name.trim_start_matches('.')));
        }
        if KINDS.contains(&name) {
            return Ok(Form::Kind(Kind::Type));
        }
        let known: &[(&str, Shape)] = match self.variables {
            Shape::Object(fields) => fields,
            shape => return Ok(part_of(shape)),
        };
        if let Some((_, shape)) = known.iter().find(|(field, _)| *field == name) {
            return Ok(Form::of(shape));
        }
        let names = known.iter().map(|(field, _)| *field).chain(self.scope.iter().map(|(own, _)| own.as_str()));
        self.refuse(id, format!("unknown variable `{name}`{}", nearest(name, names)))
    }

    fn select(&mut self, id: u64, select: &mut SelectExpr, macros: usize) -> Checked<Form<'s>> {
        let form = self.form(&mut select.operand, macros)?;
        let field = self.field(id, form, &select.field)?;
        Ok(if select.test { Form::Kind(Kind::Bool) } else { field })
    }

    fn field(&self, id: u64, form: Form<'s>, field: &str) -> Checked<Form<'s>> {
        match form {
            Form::Object(fields) => match fields.iter().find(|(name, _)| *name == field) {
                Some((_, shape)) => Ok(Form::of(shape)),
                None => {
                    let alike = nearest(field, fields.iter().map(|(name, _)| *name));
                    self.refuse(id, format!("unknown field `{field}`{alike}"))
                }
            },
            Form::Map(value) => Ok(Form::of_part(value)),
            Form::Unknown | Form::NotBool => Ok(Form::Unknown),
            other => self.refuse(id, format!("`{field}` is asked of {}, which has no fields", other.words())),
        }
    }

    fn list(&mut self, list: &mut ListExpr, macros: usize) -> Checked<Form<'s>> {
        list.elements.iter_mut().try_for_each(|element| self.form(element, macros).map(drop))?;
        Ok(Form::List(None))
    }

    fn map(&mut self, id: u64, map: &mut MapExpr, macros: usize) -> Checked<Form<'s>> {
        for entry in &mut map.entries {
            match &mut entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.form(&mut entry.key, macros)?;
                    self.form(&mut entry.value, macros)?;
                }
                EntryExpr::StructField(_) => return self.refuse(id, "a map has keys, not fields".to_owned()),
            }
        }
        Ok(Form::Map(None))
    }

    fn comprehension(&mut self, id: u64, node: &mut ComprehensionExpr, macros: usize) -> Checked<Form<'s>> {
        if macros >= MOST_MACROS {
            return self.refuse(id, format!("macros such as `all` and `map` stand at most {MOST_MACROS} deep"));
        }
        let range = self.form(&mut node.iter_range, macros + 1)?;
        let Some(item) = range.items() else {
            return self.refuse(id, format!("a macro goes through a list or a map, not through {}", range.words()));
        };
        let accumulator = self.form(&mut node.accu_init, macros + 1)?;
        if let Some(variable) = &node.iter_var2 {
            return self.refuse(id, format!("there is no macro of two variables such as `{variable}`"));
        }
        self.scope.push((node.iter_var.clone(), item));
        self.scope.push((node.accu_var.clone(), accumulator));
        self.form(&mut node.loop_cond, macros + 1)?;
        self.form(&mut node.loop_step, macros + 1)?;
        let result = self.form(&mut node.result, macros + 1)?;
        self.scope.truncate(self.scope.len() - 2);
        let result = if keeps_items(node) && matches!(range, Form::List(_)) { range } else { result };
        if !matches!(range, Form::List(_)) {
            let range = std::mem::take(&mut node.iter_range);
            node.iter_range = IdedExpr { id: range.id, expr: call_of(ITEMS, vec![range]) };
            self.nodes += 1;
        }
        Ok(result)
    }

    fn call(&mut self, id: u64, call: &mut CallExpr, macros: usize) -> Checked<Form<'s>> {
        if call.func_name == functions::MATCHES {
            return self.matches(id, call, macros);
        }
        let (name, of_a_value) = (call.func_name.as_str(), call.target.is_some());
        let result = if is_operator(name) { None } else { Some(functions::result(name, of_a_value, call.args.len())) };
        let result = result.transpose().or_else(|message| self.refuse(id, message))?;
        if let Some(target) = call.target.as_deref_mut() {
            self.form(target, macros)?;
        }
        let mut forms = Vec::with_capacity(call.args.len());
        for argument in &mut call.args {
            forms.push(self.form(argument, macros)?);
        }
        match (result, forms.as_slice()) {
            (Some(_), [form]) if call.func_name == "dyn" => Ok(*form),
            (Some(result), _) => Ok(result),
            (None, _) => self.operator(id, call, &forms),
        }
    }

    fn operator(&self, id: u64, call: &CallExpr, forms: &[Form<'s>]) -> Checked<Form<'s>> {
        match (call.func_name.as_str(), forms) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, operands) => {
                self.all_bool(id, &call.func_name, operands)?;
                Ok(Form::Kind(Kind::Bool))
            }
            (operators::CONDITIONAL, [condition, yes, no]) => {
                self.all_bool(id, &call.func_name, &[*condition])?;
                Ok(yes.or(*no))
            }
            (operators::NOT_STRICTLY_FALSE, _) => Ok(Form::Kind(Kind::Bool)),
            (operators::INDEX, [form, index]) => self.index(id, *form, *index, &call.args[1]),
            (operators::IN, [_, container]) => match container {
                Form::Kind(_) | Form::Null => {
                    let words = container.words();
                    self.refuse(id, format!("`in` looks into a list or a map, not into {words}; a text has `contains`"))
                }
                _ => Ok(Form::Kind(Kind::Bool)),
            },
            (name, [left, right]) if is_comparison(name) => {
                if left.compares(*right) {
                    return Ok(Form::Kind(Kind::Bool));
                }
                self.refuse(id, format!("{} is compared with {}", left.words(), right.words()))
            }
            (operators::ADD, [left, right]) => Ok(left.plus(*right)),
            (name, operands) if is_arithmetic(name) => match operands {
                [Form::Kind(kind), ..] => Ok(Form::Kind(*kind)),
                _ => Ok(Form::NotBool),
            },
            (name, _) => self.refuse(id, format!("there is no operator `{name}`")),
        }
    }

    fn all_bool(&self, id: u64, operator: &str, operands: &[Form<'_>]) -> Checked<()> {
        let operator = operator.trim_matches('_').split('_').next().unwrap_or(operator);
        match operands.iter().find(|form| !form.may_be_bool()) {
            Some(form) => self.refuse(id, format!("`{operator}` takes true and false, not {}", form.words())),
            None => Ok(()),
        }
    }

    fn index(&self, id: u64, form: Form<'s>, index: Form<'s>, written: &IdedExpr) -> Checked<Form<'s>> {
        match (form, &written.expr) {
            (Form::Object(_), Expr::Literal(LiteralValue::String(field))) => self.field(id, form, field.inner()),
            (Form::List(_), _) if matches!(index, Form::Kind(Kind::String | Kind::Bool)) => {
                self.refuse(id, format!("a list is indexed by a number, not by {}", index.words()))
            }
            (Form::List(part) | Form::Map(part), _) => Ok(Form::of_part(part)),
            (Form::Unknown | Form::NotBool | Form::Object(_), _) => Ok(Form::Unknown),
            (Form::Kind(_) | Form::Null, _) => self.refuse(id, format!("{} cannot be indexed", form.words())),
        }
    }

    /// Compiles the pattern of `text.matches(pattern)`, once for all evaluations.
    fn matches(&mut self, id: u64, call: &mut CallExpr, macros: usize) -> Checked<Form<'s>> {
        let arguments = call.args.len() + usize::from(call.target.is_some());
        let (true, Some(pattern)) = (arguments == 2, call.args.pop()) else {
            return self.refuse(id, functions::wrong_use(functions::MATCHES));
        };
        let Expr::Literal(LiteralValue::String(written)) = &pattern.expr else {
            let message =
                "the pattern of `matches` is a text written out, so that it is known when the policy is loaded";
            return self.refuse(pattern.id, message.to_owned());
        };
        let compiled = Pattern::compile(written.inner()).or_else(|message| self.refuse(pattern.id, message))?;
        let Some(mut target) = call.target.take().map(|target| *target).or_else(|| call.args.pop()) else {
            return self.refuse(id, functions::wrong_use(functions::MATCHES));
        };
        match self.form(&mut target, macros)? {
            Form::Unknown | Form::Kind(Kind::String) => {}
            other => return self.refuse(id, format!("`matches` is asked of {}, not of a string", other.words())),
        }
        let name = Expr::Ident(format!("{}{}", pattern::PREFIX, self.patterns.len()));
        self.patterns.push(compiled);
        self.nodes += 1;
        let pattern = IdedExpr { id: pattern.id, expr: name };
        *call = CallExpr { func_name: MATCHES.to_owned(), target: None, args: vec![target, pattern] };
        Ok(Form::Kind(Kind::Bool))
    }
}

/// Tells whether a macro only picks from its list, as `filter` does.
fn keeps_items(node: &ComprehensionExpr) -> bool {
    let Expr::Call(step) = &node.loop_step.expr else { return false };
    let [_, picked, _] = step.args.as_slice() else { return false };
    let Expr::Call(sum) = &picked.expr else { return false };
    let [_, added] = sum.args.as_slice() else { return false };
    let Expr::List(list) = &added.expr else { return false };
    matches!(list.elements.as_slice(), [IdedExpr { expr: Expr::Ident(name), .. }] if *name == node.iter_var)
}

/// A variable where all are alike.
fn part_of(shape: &Shape) -> Form<'_> {
    match shape {
        Shape::Map(value) => Form::of(value),
        _ => Form::Unknown,
    }
}

fn call_of(function: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args })
}
