"""Accounts, sessions, roles."""

from __future__ import annotations

from step_defs.dsl import acts, roles
from step_defs.steps.vocabulary import Given, When, World, step


@step(
    en="{name:w} is a customer",
    ru="есть покупатель по имени {name:w}",
    about="A customer with an account, signed in.",
    example="Anna is a customer",
)
@Given
def is_customer(world: World, name: str) -> None:
    acts.do(lambda: world.shopper(name).door)


@step(
    en="{name:w} is a partner",
    ru="есть партнёр по имени {name:w}",
    about="A partner with an account, who from here on may do what any customer does.",
    example="Silverline is a partner",
    reserve="exported scenarios say it (system/crm/application/phrases.py)",
)
@Given
def is_partner(world: World, name: str) -> None:
    acts.do(lambda: world.partner(name).door)


@step(
    en="somebody tries to register with the e-mail of {name:w}",
    ru="кто-то пытается зарегистрироваться с почтой покупателя {name:w}",
    about="An e-mail has one account.",
    example="somebody tries to register with the e-mail of Anna",
)
@When
def registers_again(world: World, name: str) -> None:
    world.attempt(world.shopper(name).registers)


@step(
    en="{name:w} tries to sign in with a wrong password",
    ru="покупатель {name:w} пытается войти с неверным паролем",
    about="A customer mistypes.",
    example="Anna tries to sign in with a wrong password",
)
@When
def wrong_password(world: World, name: str) -> None:
    world.attempt(lambda: world.shopper(name).signs_in("not the password"))


@step(
    en="{name:w} signs out",
    ru="покупатель {name:w} выходит из системы",
    about="The session ends, everywhere at once.",
    example="Anna signs out",
)
@When
def signs_out(world: World, name: str) -> None:
    world.shopper(name).signs_out()


@step(
    en="{name:w} tries to renew the session",
    ru="покупатель {name:w} пытается продлить сеанс",
    about="What a browser does when its token has run out.",
    example="Anna tries to renew the session",
)
@When
def renews(world: World, name: str) -> None:
    world.attempt(world.shopper(name).door.refresh)


@step(
    en="{role:role} {name:w} tries to {deed:deed}",
    ru="{role:role} {name:w} пытается {deed:deed}",
    about="Somebody tries what belongs to another role.",
    example="customer Boris tries to approve the order",
)
@When
def tries_deed(world: World, role: str, name: str, deed: str) -> None:
    roles.try_deed(world, roles.person_in_role(world, role, name), deed)


@step(
    en="the administrator takes the role of seller {name:w} away",
    ru="администратор лишает продавца по имени {name:w} роли",
    about="Somebody leaves the company: what they have open stops working.",
    example="the administrator takes the role of seller Maria away",
)
@When
def loses_role(world: World, name: str) -> None:
    world.administrator().changes_roles(world.seller(name), ["customer"])
