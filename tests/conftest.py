"""What every test shares."""

# Home Assistant's test plugin brings a package of the same name; ours must be imported first.
import custom_components.tesla_charging  # noqa: F401
