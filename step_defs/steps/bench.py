"""Working at a bench that operators share: badges, PINs, and who is there."""

from __future__ import annotations

from step_defs.dsl import acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="operator {name:w} has a badge and a PIN",
    ru="у оператора {name:w} есть пропуск и ПИН",
    about="An administrator gave the badge; the operator signed in with a password once and chose the PIN.",
    example="operator Oleg has a badge and a PIN",
)
@Given
def has_badge(world: World, name: str) -> None:
    world.administrator().gives_badge(world.operator(name))


@step(
    en="operator {name:w} signs in at the bench by badge",
    ru="оператор {name:w} входит у верстака по пропуску",
    about="One scan and the PIN; whoever was signed in there before is signed out by it.",
    example="operator Oleg signs in at the bench by badge",
)
@Given
@When
def signs_in_at_bench(world: World, name: str) -> None:
    world.operator(name).signs_in_at(world.bench)


@step(
    en="operator {name:w} tries to sign in at the bench by badge",
    ru="оператор {name:w} пытается войти у верстака по пропуску",
    about="With the right PIN, but a refusal is expected.",
    example="operator Oleg tries to sign in at the bench by badge",
)
@When
def tries_at_bench(world: World, name: str) -> None:
    world.attempt(lambda: world.operator(name).signs_in_at(world.bench))


@step(
    en="operator {name:w} tries to sign in by badge on a device of their own",
    ru="оператор {name:w} пытается войти по пропуску на своём устройстве",
    about="A device that no administrator made a workstation.",
    example="operator Oleg tries to sign in by badge on a device of their own",
)
@When
def tries_elsewhere(world: World, name: str) -> None:
    world.attempt(world.operator(name).signs_in_elsewhere)


@step(
    en="operator {name:w} types a wrong PIN five times",
    ru="оператор {name:w} пять раз набирает неверный ПИН",
    about="At the bench, with their own badge; the last of them is the one that counts.",
    example="operator Oleg types a wrong PIN five times",
)
@When
def guesses(world: World, name: str) -> None:
    world.attempt(lambda: world.operator(name).guesses_pin_at(world.bench, times=5))


@step(
    en="the administrator unlocks the badge of operator {name:w}",
    ru="администратор отпирает пропуск оператора {name:w}",
    about="Somebody who knows the operator forgives the wrong PINs.",
    example="the administrator unlocks the badge of operator Oleg",
)
@When
def unlocks(world: World, name: str) -> None:
    world.administrator().unlocks_badge(world.operator(name))


@step(
    en="operator {name:w} works at the bench",
    ru="у верстака работает {name:w}",
    about="The bench shows whose session it is.",
    example="operator Oleg works at the bench",
)
@Then
def works_at_bench(world: World, name: str) -> None:
    acts.works_at_bench(world, name)


@step(
    en="operator {name:w} is signed out at the bench",
    ru="сеанс оператора {name:w} у верстака окончен",
    about="What the operator had open there opens nothing any more.",
    example="operator Oleg is signed out at the bench",
)
@Then
def is_out(world: World, name: str) -> None:
    world.operator(name).is_out_at_bench()
