"""The ministry's nine steps in Chromium, and the child who signs in afterwards."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.support.stack import Stack

PASSWORD = re.compile(r"[a-z]{4,5}-[a-z]{4,5}-[2-9]{6}")


def sign_in(page: Page, stack: Stack, person: dict[str, str]) -> None:
    page.goto(stack.url)
    page.get_by_role("link", name="Iniciar sesión con Google").click()
    page.get_by_role("button", name=person["address"]).click()
    page.get_by_label("Ingrese su contraseña").fill(person["password"])
    page.get_by_role("button", name="Siguiente").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def verify(page: Page, person: dict[str, str]) -> None:
    page.get_by_label("DUI").fill(person["dui"])
    page.get_by_label(re.compile("NIP")).fill(person["nip"].lstrip("0"))
    page.get_by_role("button", name="Ingresar").click()


def fits(page: Page) -> None:
    """No page scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_teacher_resets_two_students_and_one_of_them_signs_in(page: Page, stack: Stack) -> None:
    teacher = stack.person("jose")
    sign_in(page, stack, teacher)
    fits(page)
    verify(page, teacher)

    page.get_by_role("link", name=re.compile("Grado|Bachillerato|Parvularia")).first.click()
    fits(page)
    page.get_by_role("button", name="Ninguno").click()  # ticks wait on the server: another journey's may be here
    boxes = page.locator("input[name=student]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(page.get_by_text("2 estudiantes seleccionados")).to_be_visible()
    page.get_by_role("button", name="Procesar", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("2 contraseñas")
    fits(page)
    page.get_by_role("button", name="Sí, restablecer 2 contraseñas").click()
    expect(page.get_by_role("heading", name="Resultado del proceso")).to_be_visible(timeout=60_000)
    expect(page.get_by_text(f"Los datos de ingreso fueron enviados al correo {teacher['address']}")).to_be_visible()
    fits(page)

    page.goto(f"{stack.google}/mail/{teacher['address']}")
    page.locator(".messages a").first.click()
    letter = page.frame_locator("iframe").locator("body").inner_text()
    password = PASSWORD.findall(letter)[0]
    address = re.findall(r"[\w.]+@clases\.edu\.sv", letter)[0]

    page.goto(f"{stack.google}/signin?prompt=select_account")
    page.get_by_label("Correo electrónico").fill(address)
    page.get_by_role("button", name="Siguiente").click()
    page.get_by_label("Ingrese su contraseña").fill(password)
    page.get_by_role("button", name="Siguiente").click()
    expect(page.get_by_role("heading", name="Cambie su contraseña")).to_be_visible()
    page.get_by_label("Contraseña nueva", exact=True).fill("mi-clave-nueva-77")
    page.get_by_label("Repita la contraseña nueva").fill("mi-clave-nueva-77")
    page.get_by_role("button", name="Cambiar contraseña").click()
    expect(page.get_by_role("heading", name=re.compile("Ha ingresado como"))).to_be_visible()


def test_the_box_beside_nombre_ticks_everyone(page: Page, stack: Stack) -> None:
    teacher = stack.person("jose")
    sign_in(page, stack, teacher)
    verify(page, teacher)
    page.get_by_role("link", name=re.compile("Grado|Bachillerato|Parvularia")).nth(1).click()
    boxes = page.locator("input[name=student]")
    count = boxes.count()
    everyone = page.get_by_label(re.compile("todos", re.IGNORECASE)).first
    everyone.check()
    assert page.locator("input[name=student]:checked").count() == count
    expect(page.get_by_text(f"{count} estudiantes seleccionados")).to_be_visible()
    boxes.first.uncheck()
    assert everyone.evaluate("box => box.indeterminate")
    everyone.check()
    everyone.uncheck()
    assert page.locator("input[name=student]:checked").count() == 0


def test_a_wrong_check_digit_is_a_hint_and_no_obstacle(page: Page, stack: Stack) -> None:
    teacher = stack.person("oscar")
    sign_in(page, stack, teacher)
    page.get_by_label("DUI").fill(teacher["dui"].replace("-", ""))
    page.get_by_label(re.compile("NIP")).click()
    expect(page.get_by_text(re.compile("[Rr]evise su DUI"))).to_be_visible()
    page.get_by_label(re.compile("NIP")).fill(teacher["nip"])
    page.get_by_role("button", name="Ingresar").click()
    expect(page).to_have_url(re.compile("/secciones/centros"))


def test_the_whole_journey_without_javascript(browser: Browser, stack: Stack) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    teacher = stack.person("jose")
    sign_in(page, stack, teacher)
    verify(page, teacher)
    page.get_by_role("link", name=re.compile("Grado|Bachillerato|Parvularia")).nth(3).click()
    count = page.locator("input[name=student]").count()
    page.get_by_label("Buscar").fill("no hay nadie así")
    page.get_by_role("button", name="Aplicar").click()
    expect(page.get_by_text("Ningún estudiante coincide")).to_be_visible()
    page.get_by_label("Buscar").fill("")
    page.get_by_role("button", name="Aplicar").click()
    page.get_by_role("button", name="Todos").click()
    expect(page.get_by_text(f"{count} estudiantes seleccionados")).to_be_visible()
    page.get_by_role("button", name="Procesar", exact=True).click()
    page.get_by_role("link", name="Cambiar la selección").click()
    expect(page.get_by_text(f"{count} estudiantes seleccionados")).to_be_visible()
    page.get_by_role("button", name="Procesar", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("contraseñas")
    page.get_by_role("button", name=re.compile("Sí, restablecer")).click()
    expect(page.get_by_role("heading", name="Resultado del proceso")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Realizar otra consulta").click()
    expect(page).to_have_url(re.compile("/secciones/centros"))
    context.close()


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(page: Page, stack: Stack) -> None:
    sign_in(page, stack, stack.person("jose"))
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies() if cookie["name"].startswith("__Host-")}
    assert set(cookies) == {"__Host-session"}
    session = cookies["__Host-session"]
    assert session["httpOnly"]
    assert session["secure"]
    assert session["sameSite"] == "Lax"
    assert page.evaluate("document.cookie") == ""


def test_a_page_can_load_nothing_from_elsewhere(page: Page, stack: Stack) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(stack.url)
    assert addresses
    assert all(address.startswith(stack.origin) for address in addresses)
