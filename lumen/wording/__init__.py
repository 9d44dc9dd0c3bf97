"""What is said to people, in English and Korean; neither Slack nor a terminal lays it out here."""
