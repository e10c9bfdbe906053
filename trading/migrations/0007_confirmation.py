import django.core.validators
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0006_ended_positions'),
    ]

    operations = [
        migrations.AddField(
            model_name='fill',
            name='slippage_u',
            field=models.BigIntegerField(blank=True, help_text='µUSD against the decision price; + is worse. Null: no decision of ours.', null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='cancel_reason',
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.AddField(
            model_name='order',
            name='decision_price_u',
            field=models.BigIntegerField(blank=True, help_text='What could be had when it was decided: the ask to buy, the bid to sell.', null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='slippage_u',
            field=models.BigIntegerField(default=0, help_text='Of its fills against the decision price; + is worse.'),
        ),
        migrations.AddField(
            model_name='sportconfig',
            name='confirm_within_s',
            field=models.PositiveIntegerField(default=60, validators=[django.core.validators.MinValueValidator(1)]),
        ),
        migrations.AddField(
            model_name='sportconfig',
            name='keep_partial_pct',
            field=models.DecimalField(decimal_places=6, default=Decimal('0.80'), max_digits=7, validators=[django.core.validators.MinValueValidator(Decimal('0')), django.core.validators.MaxValueValidator(Decimal('1'))]),
        ),
    ]
