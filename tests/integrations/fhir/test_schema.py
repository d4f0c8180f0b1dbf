"""What is read out of the models of fhir.resources."""

from fhir.resources.R4B import fhirtypes

from integrations.fhir import schema


def test_every_element_of_every_type_is_understood() -> None:
    names = [name.removesuffix("Type") for name in vars(fhirtypes) if name.endswith("Type")]
    types = {
        name
        for name in names
        # The models' own helper, which is not a type of FHIR's.
        if name != "FHIRPrimitiveExtension" and _has_model(name)
    }
    known = types | {"Resource"}

    assert len(types) > 600
    for name in types:
        for element in schema.elements_of(name).values():
            assert element.is_primitive or element.type_name in known, (name, element)


def test_an_element_is_described_as_r4_has_it() -> None:
    elements = schema.elements_of("ServiceRequest")

    assert elements["subject"].is_required
    assert elements["subject"].targets == ("Patient", "Group", "Location", "Device")
    assert elements["status"].is_required
    assert elements["reasonCode"].is_list
    assert elements["occurrenceDateTime"].path_name == "occurrence"
    assert elements["occurrenceDateTime"].type_name == "dateTime"
    assert schema.elements_of("Task")["for"].type_name == "Reference"


def test_only_concrete_resources_are_resources() -> None:
    assert schema.is_resource("ServiceRequest")
    assert not any(
        schema.is_resource(name)
        for name in ("Resource", "DomainResource", "HumanName", "PatientContact", "string", "", 5)
    )


def _has_model(name: str) -> bool:
    return hasattr(vars(fhirtypes)[f"{name}Type"], "get_model_klass")
