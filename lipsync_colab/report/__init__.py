"""What a talking video measures: lips against speech, stillness, sharpness, timing, provenance."""
