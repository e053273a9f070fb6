//! Help on the language.

/// A short help on expressions for `promote-bot explain expr`; every example in it is true.
pub const LANGUAGE: &str = "\
An expression is written in CEL, says yes or no, and denies where it says neither: a field that is not there, or kinds that
do not fit, are no answer. Variables are the fields of the input; an unknown name is refused when the policy is loaded.

  compare    1 < 2    1 <= 1    2 > 1    1 >= 1    1 == 1.0    'a' != 'b'    numbers by value, texts and lists by content
  combine    !false    true && true    false || true    1 < 2 ? true : false    an error beside `|| true` or `&& false` is lost
  count      1 + 2 == 3    3 - 2 == 1    2 * 3 == 6    7 / 2 == 3    7 % 2 == 1    -1 < 0    'a' + 'b' == 'ab'
  contain    'a' in ['a', 'b']    'k' in {'k': 1}    [1] + [2] == [1, 2]    {'k': 1}.k == 1    {'k': 1}['k'] == 1    [7][0] == 7
  ask        has({'k': 1}.k)    !has({'k': 1}.x)    a field that may be missing: has(a.b) && a.b == 'x'
  texts      'shop/api'.startsWith('shop/')    'api.sig'.endsWith('.sig')    'shop/api'.contains('/')    size('abc') == 3
  patterns   'v1.4.2'.matches('^v?[0-9]+[.][0-9]+[.][0-9]+$')    written out, RE2 syntax, found anywhere unless anchored
  lists      [1, 2].all(x, x > 0)    [1, 2].exists(x, x > 1)    [1, 2].exists_one(x, x > 1)    [1, 2].size() == 2
             [1, 2].map(x, x * 2) == [2, 4]    [1, 2, 3].map(x, x > 1, x * 2) == [4, 6]    [1, 2].filter(x, x > 1) == [2]
  maps       {'a': 1, 'b': 2}.all(key, key in ['a', 'b'])    macros go through the keys
  convert    int('42') == 42    uint(1) == 1u    double('1.5') == 1.5    string(42) == '42'    bool('true')    bytes('a') == b'a'
  kinds      type('a') == string    type(1) == int    type(null) == null_type    dyn('a') == 'a'

At most 4 KiB and 1,000 parts, macros two deep; an evaluation ends after 250 ms.
";
