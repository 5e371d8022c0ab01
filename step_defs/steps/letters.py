"""Letters by e-mail: what people find in their mailboxes, and the way in for whoever forgot the password."""

from __future__ import annotations

from step_defs.dsl import acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="{name:w} wants letters in {language:language}",
    ru="покупатель {name:w} хочет получать письма на языке «{language:language}»",
    about="The language that the customer chooses when ordering: our letters about the order are written in it.",
    example="Anna wants letters in Russian",
)
@Given
def wants_letters_in(world: World, name: str, language: str) -> None:
    world.shopper(name).letters_in = language


@step(
    en="{name:w} gets one letter saying that {letter:letter}",
    ru="покупателю {name:w} приходит одно письмо о том, что {letter:letter}",
    about="Waits for a letter by e-mail about the order, in the customer's language; a second one is a fault.",
    example="Anna gets one letter saying that the order is received",
)
@Then
def gets_letter(world: World, name: str, letter: str) -> None:
    acts.do(lambda: world.mailbox.says(world.shopper(name), letter))


@step(
    en="the letter to {name:w} saying that {letter:letter} shows the order without signing in",
    ru="письмо покупателю {name:w} о том, что {letter:letter}, показывает заказ без входа",
    about="The letter holds a private link; whoever opens it sees how far the order is.",
    example="the letter to Anna saying that the order is received shows the order without signing in",
)
@Then
def letter_leads_on(world: World, name: str, letter: str) -> None:
    world.mailbox.leads_to_order(world.shopper(name), letter)


@step(
    en="{name:w} has exactly these letters:",
    ru="у покупателя {name:w} ровно такие письма:",
    about="The letters about the order, each once, in any order; none comes after them. A table of one column.",
    example="Anna has exactly these letters:",
)
@Then
def has_letters(world: World, name: str, datatable: list[list[str]]) -> None:
    acts.has_letters(world.shopper(name), datatable)


@step(
    en="no letter reaches {name:w}",
    ru="до {name:w} не доходит ни одного письма",
    about="The mailbox of this person is empty, and stays so for a moment.",
    example="no letter reaches Silverline",
)
@Then
def has_no_letters(world: World, name: str) -> None:
    world.mailbox.is_empty(world.person(name))


@step(
    en="the mail server takes no letters for {name:w}",
    ru="почтовый сервер не принимает писем для покупателя {name:w}",
    about="The mail server answers that one should come back later.",
    example="the mail server takes no letters for Anna",
)
@Given
def mail_is_away(world: World, name: str) -> None:
    world.mailbox.shuts(world.shopper(name))


@step(
    en="the mail server takes letters for {name:w} again",
    ru="почтовый сервер снова принимает письма для покупателя {name:w}",
    about="What waited is taken now.",
    example="the mail server takes letters for Anna again",
)
@When
def mail_is_back(world: World, name: str) -> None:
    world.mailbox.opens(world.shopper(name))


@step(
    en="all news about the order reaches the {service:screen} twice more",
    ru="все новости о заказе ещё дважды доходят до системы «{service:screen}»",
    about="Every overheard change of status again: exactly as it was, and once more as if it had been said anew.",
    example="all news about the order reaches the shop twice more",
)
@When
def all_news_again(world: World, service: str) -> None:
    world.faults.repeat_all_news(world.order, to=service)


@step(
    en="{name:w} has forgotten the password and asks for a letter",
    ru="покупатель {name:w} забывает пароль и просит прислать письмо",
    about="Somebody who is not signed in asks for a link to choose another password.",
    example="Anna has forgotten the password and asks for a letter",
)
@When
def forgets_password(world: World, name: str) -> None:
    world.person(name).forgets_password()


@step(
    en="{name:w} chooses another password by the link of the letter",
    ru="покупатель {name:w} выбирает другой пароль по ссылке из письма",
    about="The newest letter's link sets the new password.",
    example="Anna chooses another password by the link of the letter",
)
@When
def chooses_password(world: World, name: str) -> None:
    world.person(name).chooses_password()


@step(
    en="{name:w} tries to use the link of the letter once more",
    ru="покупатель {name:w} ещё раз пробует ссылку из письма",
    about="The link that was used already.",
    example="Anna tries to use the link of the letter once more",
)
@When
def tries_link_again(world: World, name: str) -> None:
    world.attempt(world.person(name).tries_link_again)


@step(
    en="only the new password lets {name:w} in",
    ru="покупателя {name:w} впускает только новый пароль",
    about="Signing in works with the new password, and with the one of before it does not.",
    example="only the new password lets Anna in",
)
@Then
def new_password_alone(world: World, name: str) -> None:
    world.person(name).has_new_password_alone()
