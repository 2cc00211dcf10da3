"""Jupyter's own tests of kernels: ours passes whatever plain evcxr does, and more."""

import unittest

import jupyter_kernel_test

from conftest import manager_of

FRAME = r'println!("\u{1}convscope:{}", r#"{"show":"1","data":{"text/html":"<b>a</b>"}}"#);'


class Rust:
    """Samples of the language. The class of tests is made below, or pytest would find it."""

    language_name = "Rust"
    file_extension = ".rs"
    code_hello_world = 'println!("hello, world");'
    code_stderr = 'eprintln!("oops");'
    completion_samples = [{"text": "std::mem::swa", "matches": {"swap"}}, {"text": "nothing_of_the_kind"}]
    complete_code_samples = ["1 + 1", "let a = 1;", "fn f() {}", ":help", ""]
    incomplete_code_samples = ["fn f() {", "let a = ", "vec![1,", 'let a = "b']
    code_generate_error = "let a: i32 = true;"
    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": '"a".to_owned() + "b"', "result": '"ab"'},
        {"code": ":version", "mime": "text/plain"},
        {"code": r'println!("EVCXR_BEGIN_CONTENT text/html\n<b>a</b>\nEVCXR_END_CONTENT");', "mime": "text/html", "result": "<b>a</b>"},
    ]
    code_display_data = [{"code": FRAME, "mime": "text/html"}]
    code_inspect_sample = "std::mem::swap"


class Passed(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.names = set()

    def addSuccess(self, test):
        self.names.add(test.id().rsplit(".", 1)[-1])


def passed_by(manager):
    """The names of the tests that a kernel passes, and why it does not pass the others."""

    class Tests(Rust, jupyter_kernel_test.KernelTests):
        @classmethod
        def setUpClass(cls):
            cls.km = manager
            cls.km.start_kernel()
            cls.kc = cls.km.client()
            cls.kc.start_channels()
            cls.kc.wait_for_ready(timeout=60)
            # The first cell of a plain kernel takes longer than these tests wait.
            cls.kc.execute_interactive("1", timeout=120, output_hook=lambda _: None)

    result = Passed()
    unittest.defaultTestLoader.loadTestsFromTestCase(Tests).run(result)
    return result.names, "\n".join(text for _, text in result.failures + result.errors)


def test_ours_passes_what_plain_evcxr_passes_and_more(built, plain):
    ours, why = passed_by(built.manager())
    theirs, _ = passed_by(manager_of(plain))
    assert {"test_kernel_info", "test_execute_stdout", "test_execute_result"} <= theirs
    assert theirs <= ours, why
    assert ours - theirs >= {"test_is_complete", "test_display_data"}, why
