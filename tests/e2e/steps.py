"""What a person does on the pages of the config flow."""

from collections.abc import Iterable
import re

from playwright.sync_api import Locator, Page, expect

from devtools.home.simulated_tesla import CLIENT_ID, CLIENT_SECRET, EMAIL, PASSWORD
from tests.e2e.harness import Frontend

GO_ON = re.compile("^(Submit|Next)$")
ITEMS = "ha-list-item, ha-md-list-item, ha-list-item-button, mwc-list-item"


def settle(page: Page) -> None:
    """Wait until dialogs stand still."""
    page.wait_for_timeout(500)


def form(page: Page) -> Locator:
    """Return the form that is shown."""
    return page.locator("step-flow-form")


def go_on(page: Page) -> None:
    """Press the button of the form."""
    page.get_by_role("button", name=GO_ON).click()


def choose(page: Page, text: str) -> None:
    """Choose from a menu."""
    page.locator("step-flow-menu").locator(ITEMS).filter(has_text=text).first.click()


def tick(page: Page) -> None:
    """Tick the first box, or turn the first switch."""
    form(page).locator(
        "ha-selector-boolean ha-switch, ha-selector-boolean ha-checkbox"
    ).first.click()


def text_field(page: Page, number: int = 0) -> Locator:
    """Return one of the form's text fields."""
    return form(page).locator("ha-selector-text input").nth(number)


def open_section(page: Page, name: str) -> None:
    """Open a closed section of the form."""
    form(page).locator("ha-expansion-panel").filter(has_text=name).first.click()


def pairing_link(page: Page) -> str:
    """Return the link on the page of a car, beside its code."""
    expect(form(page).locator("img")).to_be_visible()
    link = form(page).locator("a", has_text="Open the Tesla app").get_attribute("href")
    assert link is not None
    return link


def add_integration(browser: Frontend, *, secret: str = CLIENT_SECRET) -> None:
    """Add the integration, read what is needed, and enter client id and secret."""
    page = browser.page
    page.goto("/config/integrations/dashboard")
    page.get_by_role("button", name="Add integration").click()
    page.locator("dialog-add-integration ha-input-search input").fill("tesla charging")
    page.locator("ha-integration-list-item", has_text="Tesla Charging").click()
    expect(form(page)).to_contain_text("Allowed redirect URI")
    settle(page)
    browser.shot("00_prepare")
    go_on(page)
    credentials = page.locator("dialog-add-application-credential")
    credentials.locator("input").first.wait_for()
    for position, value in enumerate(("Demo", CLIENT_ID, secret)):
        credentials.locator("input").nth(position).fill(value)
    settle(page)
    browser.shot("01_credentials")
    credentials.get_by_role("button", name="Add", exact=True).click()
    expect(form(page)).to_contain_text("Read the location of my cars")
    expect(form(page)).to_contain_text(f"Demo: {CLIENT_ID}")


def sign_in(browser: Frontend, popup: Page, *, untick: Iterable[str] = ()) -> None:
    """Be the owner on Tesla's pages: sign in if asked, and allow what is asked, less what is unticked."""
    popup.locator("#email, #approve").first.wait_for()
    if popup.locator("#email").count():
        popup.locator("#email").fill(EMAIL)
        popup.locator("#password").fill(PASSWORD)
        browser.shot("03_tesla_sign_in", popup)
        popup.locator("#signin").click()
    popup.locator("#approve").wait_for()
    for scope in untick:
        popup.locator(f"input[value={scope}]").uncheck()
    browser.shot("04_tesla_consent", popup)
    with popup.expect_event("close"):
        popup.locator("#approve").click()


def pair(browser: Frontend, link: str, vin: str) -> None:
    """Be the owner's phone: open the link and approve."""
    phone = browser.context.new_page()
    phone.goto(link)
    if phone.locator("#signin").count():
        phone.locator("#email").fill(EMAIL)
        phone.locator("#password").fill(PASSWORD)
        phone.locator("#signin").click()
    phone.locator(f"#pair-{vin}").wait_for()
    browser.shot("06_phone", phone)
    phone.locator(f"#pair-{vin}").click()
    phone.locator(f"#paired-{vin}").wait_for()
    phone.close()
