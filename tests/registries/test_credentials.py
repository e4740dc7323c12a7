from ocilayout.registries.credentials import Credentials


def test_secrets_show_in_no_repr() -> None:
    credentials = Credentials("me", "s3cret", "t0ken")
    assert repr(credentials) == "Credentials(username='me')"
    assert f"{credentials}" == "Credentials(username='me')"


def test_token_is_no_user_name_but_says_what_the_secret_is() -> None:
    assert Credentials.of("<token>", "t0ken") == Credentials("", "", "t0ken")


def test_any_other_name_has_a_password() -> None:
    assert Credentials.of("me", "s3cret") == Credentials("me", "s3cret", None)
