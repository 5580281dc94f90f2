//! The elements of a header that may tell whose pictures they are.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Elements that may tell whose pictures they are, by name (after DICOM PS3.15, table E.1-1).
pub(super) const ELEMENTS: [(Tag, &str); 32] = [
    (tags::PATIENT_NAME, "PatientName"),
    (tags::PATIENT_ID, "PatientID"),
    (tags::ISSUER_OF_PATIENT_ID, "IssuerOfPatientID"),
    (tags::PATIENT_BIRTH_DATE, "PatientBirthDate"),
    (tags::PATIENT_BIRTH_TIME, "PatientBirthTime"),
    (Tag(0x0010, 0x1000), "OtherPatientIDs"),
    (tags::OTHER_PATIENT_NAMES, "OtherPatientNames"),
    (tags::PATIENT_BIRTH_NAME, "PatientBirthName"),
    (tags::PATIENT_MOTHER_BIRTH_NAME, "PatientMotherBirthName"),
    (tags::PATIENT_ADDRESS, "PatientAddress"),
    (tags::PATIENT_TELEPHONE_NUMBERS, "PatientTelephoneNumbers"),
    (Tag(0x0010, 0x1090), "MedicalRecordLocator"),
    (tags::ADDITIONAL_PATIENT_HISTORY, "AdditionalPatientHistory"),
    (tags::PATIENT_COMMENTS, "PatientComments"),
    (tags::IMAGE_COMMENTS, "ImageComments"),
    (tags::ACCESSION_NUMBER, "AccessionNumber"),
    (tags::STUDY_ID, "StudyID"),
    (tags::STUDY_DATE, "StudyDate"),
    (tags::SERIES_DATE, "SeriesDate"),
    (tags::ACQUISITION_DATE, "AcquisitionDate"),
    (tags::CONTENT_DATE, "ContentDate"),
    (tags::ACQUISITION_DATE_TIME, "AcquisitionDateTime"),
    (tags::STUDY_TIME, "StudyTime"),
    (tags::INSTITUTION_NAME, "InstitutionName"),
    (tags::INSTITUTION_ADDRESS, "InstitutionAddress"),
    (tags::REFERRING_PHYSICIAN_NAME, "ReferringPhysicianName"),
    (tags::PERFORMING_PHYSICIAN_NAME, "PerformingPhysicianName"),
    (tags::NAME_OF_PHYSICIANS_READING_STUDY, "NameOfPhysiciansReadingStudy"),
    (tags::PHYSICIANS_OF_RECORD, "PhysiciansOfRecord"),
    (tags::OPERATORS_NAME, "OperatorsName"),
    (tags::STATION_NAME, "StationName"),
    (tags::DEVICE_SERIAL_NUMBER, "DeviceSerialNumber"),
];

/// Tells whether an element may tell whose pictures they are.
pub(super) fn is_told_by(tag: Tag) -> bool {
    ELEMENTS.iter().any(|(element, _)| *element == tag)
}
