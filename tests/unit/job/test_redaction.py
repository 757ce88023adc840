import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picsellia_processing.job.redaction import PLACEHOLDER, redact, redact_all, secrets_of

TOKEN = "a0c9f3bbf7e8bc175494fc44bfc6f89aae3eb9d0"


def test_the_secrets_of_an_environment():
    secrets = secrets_of(
        {
            "api_token": TOKEN,
            "PICSELLIA_TOKEN": "short",
            "HF_TOKEN": "hf_abcdefgh",
            "aws_secret_access": "wJalrXUtnFEMI",
            "DB_PASSWORD": "hunter2!hunter2",
            "SMTP_PASS": "correct-horse",
            "BYPASS": "localhost,here",
            "SSH_KEY": "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\n\nend\n",
            "TOKENIZERS_PARALLELISM": "false",
            "HOME": "/home/somebody-else",
        }
    )
    assert secrets == (
        TOKEN,
        "-----BEGIN%20KEY-----",
        "-----BEGIN KEY-----",
        "hunter2%21hunter2",
        "MIIEpAIBAAKCAQEA",
        "hunter2!hunter2",
        "correct-horse",
        "wJalrXUtnFEMI",
        "hf_abcdefgh",
        "short",
    )


def test_an_empty_or_tiny_token_does_not_eat_the_text():
    assert secrets_of({"api_token": ""}) == ()
    assert secrets_of({"api_token": "a"}) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"token={TOKEN}!", f"token={PLACEHOLDER}!"),
        (f"{TOKEN}{TOKEN}", PLACEHOLDER * 2),
        (
            "GET https://s3.example/b/a.jpg?X-Amz-Date=1&X-Amz-Signature=ab12 done",
            f"GET https://s3.example/b/a.jpg?{PLACEHOLDER} done",
        ),
        (
            'https://x.blob.core.windows.net:443 "PUT /c/a.jpg?se=2026&sig=a%2Bb HTTP/1.1" 201',
            f'https://x.blob.core.windows.net:443 "PUT /c/a.jpg?{PLACEHOLDER} HTTP/1.1" 201',
        ),
        ("url: /blob/1.jpg?expires=1&sig=abc (Caused by", f"url: /blob/1.jpg?{PLACEHOLDER} (Caused by"),
        (r'{"url":"https://h/a?e=1\u0026X-Goog-Signature=ff"}', f'{{"url":"https://h/a?{PLACEHOLDER}"}}'),
        ("https://h/list?limit=100&offset=5", "https://h/list?limit=100&offset=5"),
        ("really? yes", "really? yes"),
        ("X-Amz-Signature=deadbeef&X-Amz-Expires=3", f"X-Amz-Signature={PLACEHOLDER}&X-Amz-Expires=3"),
        ("{'X-Goog-Credential': 'me@x', 'a': 1}", f"{{'X-Goog-Credential': '{PLACEHOLDER}', 'a': 1}}"),
        ("https://me:hunter2@pypi.example/simple", f"https://{PLACEHOLDER}@pypi.example/simple"),
        ("https://pypi.example:443/a@b", "https://pypi.example:443/a@b"),
        ("Authorization: Bearer eyJhbGciOi.J9.x-y_z==", f"Authorization: Bearer {PLACEHOLDER}"),
        ("the bearer of bad news", "the bearer of bad news"),
    ],
)
def test_redact(text, expected):
    assert redact(text, (TOKEN,)) == expected
    assert redact(expected, (TOKEN,)) == expected


def test_a_longer_secret_wins_over_its_beginning():
    secrets = secrets_of({"A_TOKEN": "abcdefgh", "B_TOKEN": "abcdefghij"})
    assert redact("abcdefghij", secrets) == PLACEHOLDER


def test_the_rest_of_a_query_that_was_cut_in_two_is_redacted_as_well():
    assert redact(f"https://h/a?{PLACEHOLDER}bc&se=2", ()) == f"https://h/a?{PLACEHOLDER}"


def test_every_text_of_a_json_value_is_redacted():
    value = {"parameters": {TOKEN: [TOKEN, 1, None, {"u": f"x{TOKEN}"}]}}
    assert redact_all(value, (TOKEN,)) == {
        "parameters": {PLACEHOLDER: [PLACEHOLDER, 1, None, {"u": f"x{PLACEHOLDER}"}]}
    }


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([TOKEN, "?", "sig=", "a/b", " ", '"', "://", "u:", "@", "Bearer ", "\\", "[redacted]"]))
)
def test_no_secret_is_left_and_a_second_time_changes_nothing(parts):
    once = redact("".join(parts), (TOKEN,))
    assert TOKEN not in once
    assert redact(once, (TOKEN,)) == once
