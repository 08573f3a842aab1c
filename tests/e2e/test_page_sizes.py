"""On a phone every page of the flows fits: it does not scroll, and no title or choice is cut off, in its longest language."""

from itertools import groupby
import json
from pathlib import Path

import pytest

from devtools.home.home import Home
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.flow_pages import MEASURE, FlowPage, collect, shown_in_turn
from tests.e2e.harness import frontend, real_sockets

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SCREENSHOTS = Path(__file__).parent / "screenshots"
PHONE = {"width": 390, "height": 844}
LANGUAGE = "localStorage.setItem('selectedLanguage', JSON.stringify(%s))"


def test_no_page_scrolls_on_a_phone(home: Home, tesla: SimulatedTesla) -> None:
    def group(page: FlowPage) -> tuple[str, str]:
        return page.longest, page.flow

    pages = sorted(collect(home, tesla), key=group)
    wrong: list[str] = []
    for (language, flow), of_language in groupby(pages, key=group):
        shots = SCREENSHOTS / "phone" / language
        with real_sockets(), frontend(home, screenshots=shots, viewport=PHONE) as browser:
            browser.context.add_init_script(LANGUAGE % json.dumps(language))
            in_turn = [*of_language]
            with shown_in_turn(browser.page, in_turn) as turn:
                for number, page in enumerate(in_turn):
                    turn(page)
                    over, cut = browser.page.evaluate(MEASURE)
                    name = f"{flow}_{number:02}_{page.step['step_id']}"
                    browser.shot(name)
                    if over or cut:
                        wrong.append(f"{language} {name}: {over} px too high, cut off: {cut}")
            assert browser.errors == []
    assert wrong == []
